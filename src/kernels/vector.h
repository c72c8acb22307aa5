/* The vector vocabulary: the words in which the kernels' bodies (*.inc.h) are written, and what they mean. Each of
 * vector_avx2.h, vector_avx512.h, vector_neon.h and vector_scalar.h (any compiler, any processor) defines them in its own
 * instructions; vector_x86.h has what AVX2 and AVX-512 share. A file of kernels includes one vocabulary. The vocabulary opens
 * the target that its instructions need, and the file that includes it closes the target with target_end.inc.h.
 *
 * Of the set
 *   PYLSTM_ISA, PYLSTM_VECTOR   its name and its vocabulary's (instruction_sets.h)
 *   PYLSTM_BLOCKS_AT_ONCE       blocks of 16 units of a step that run side by side
 *   PYLSTM_TILE_COLUMNS         columns (frames, streams) that share one read of the weights
 *   PYLSTM_TILE_VECTORS         vectors of a row of weights that run side by side while they do
 *   PYLSTM_BYTE_COLUMNS         columns at once with int8 weights
 *   PYLSTM_CONV_COLUMNS         columns of a convolution at once: 1, 6 or 8
 *
 * v16, 16 floats: the layers. Every set but scalar fuses, so all but scalar give the same bits.
 *   v16_load(p), v16_store(p, x), v16_set(x)          at any address; x in all lanes
 *   v16_add, v16_sub, v16_mul, v16_div(x, y)
 *   v16_fma(x, y, z)            x y + z, rounded once (scalar: twice)
 *   v16_min, v16_max(x, y)      y where x is NaN: that is what keeps NaN out of a clamp
 *   v16_round(x)                to the nearest integer, ties to even; |x| < 2^22
 *   v16_exp2_integer(n)         2^n for integral n in -126 ... 127
 *   v16_sqrt(x)                 correctly rounded; x >= 0
 *   v16_split(x, &exponent, &m) 2^exponent m = x, m in [sqrt(1/2), sqrt(2)); x is normal and above 0
 *   v16_high_bfloat16(words), v16_low_bfloat16(words)
 *                               of 16 words of two bfloat16 each: the weights that an even and the following odd input meet,
 *                               exactly, as floats
 *   v16_pair, v16_pair_load, v16_dot_pair    where PYLSTM_DOT_PAIR is defined; else products.inc.h makes them
 *
 * v16i, 16 sums of products of unsigned (inputs) and signed (weights) bytes: int8 weights. Exact.
 *   v16q, v16q_load(words)      16 words of four weights each
 *   v16i_start(offset)          where a sum begins: with what takes the 128 back that every input has been raised by
 *   v16i_dot(sum, weights, inputs)    inputs: four bytes, the same for all lanes
 *   v16i_float(sum)             as a v16
 *
 * vd, VD_LANES doubles (whatever a register holds), and v8, 8 floats: the features. Every word rounds as C does, element by
 * element, and none is a fused multiply-add: all sets give the same bits, however wide their vectors are.
 *   vd_load(p), vd_store(p, x), vd_set(x), vd_add, vd_sub, vd_mul, vd_div(x, y)
 *   vd_reverse(x)               the last lane first
 *   vd_store_float(p, x)        rounded to float32
 *   vd_load_pairs(p, &even, &odd)        p[0], p[2], p[4] ... and p[1], p[3], p[5] ...
 *   vd_store_fours(p, a, b, c, d)        p[4 k] ... p[4 k + 3] = lane k of a, b, c, d
 *   vd_load_split(p, &exponent, &m)      2^exponent m = max(1e-10, p[k]), m in [sqrt(1/2), sqrt(2)); p[k] is finite
 *   vd_load_two(p)              VD_LANES == 8 alone: two values, each in four lanes
 *   vd_store_halves(low, high, a, b)     VD_LANES == 8 alone: the lower halves of a and b side by side, and the upper ones
 *   v8_load(p), v8_store(p, x), v8_set(x), v8_add, v8_mul, v8_min(x, y)
 *   v8_sum(x)                   of all lanes, halves first: ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7))
 */
#ifndef PYLSTM_KERNELS_VECTOR_H
#define PYLSTM_KERNELS_VECTOR_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Functions that take constants which must be known where they are compiled, and loops over such constants. */
#if defined(_MSC_VER)
#define PYLSTM_INLINE static __forceinline
#define PYLSTM_UNROLL
#else
#define PYLSTM_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define PYLSTM_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__OPTIMIZE__)
#define PYLSTM_UNROLL _Pragma("GCC unroll 8")
#else /* gcc -O0 unrolls nothing and warns of it */
#define PYLSTM_UNROLL
#endif
#endif

/* For large functions that are worth inlining; the scalar set calls them instead. */
#ifndef PYLSTM_LARGE
#define PYLSTM_LARGE PYLSTM_INLINE
#endif

/* Names and texts from the name of a set. */
#define PYLSTM_JOIN_TOKENS(a, b) a##b
#define PYLSTM_JOIN(a, b)        PYLSTM_JOIN_TOKENS(a, b)
#define PYLSTM_TOKEN_TEXT(token) #token
#define PYLSTM_TEXT(token)       PYLSTM_TOKEN_TEXT(token)

/* 1 and sqrt(1/2) as the integers that their bits are. */
#define PYLSTM_ONE_BITS       0x3f800000u
#define PYLSTM_SQRT_HALF_BITS 0x3f3504f3u

#endif
