/* The vector vocabulary without vector instructions: 16 floats in an array, any C compiler, any processor.
 *
 * Has no fused multiply-add: v16_fma rounds twice, so results differ from the other instruction sets in the last bits.
 */
#ifndef PYLSTM_KERNELS_SIMD_SCALAR_H
#define PYLSTM_KERNELS_SIMD_SCALAR_H

#include <stdint.h>
#include <string.h>

#define PYLSTM_ISA_NAME       "scalar"
#define PYLSTM_BLOCKS_AT_ONCE 1 /* unit blocks of a step that run side by side */
#define PYLSTM_TILE_COLUMNS   1 /* columns (frames, streams) that share one read of the weights */
#define PYLSTM_TILE_GATES     4 /* gates of a block that run side by side while they do */
#define PYLSTM_BYTE_COLUMNS   1 /* columns at once with int8 weights */

/* Where the compiler has generic vectors, four of them are the array: it then uses whatever the baseline of the target offers
 * (SSE2 on x86-64). The arithmetic is the same either way. */
#if defined(__GNUC__)
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));
typedef uint32_t v4u __attribute__((vector_size(16)));
typedef struct v16 {
    v4 q[4];
} v16;
#define V16_EACH(four, each)                                                                                                   \
    v16 result;                                                                                                                \
    int k;                                                                                                                     \
    for (k = 0; k < 4; k++)                                                                                                    \
        result.q[k] = (four);                                                                                                  \
    return result
#define V4_CHOICE(mask, a, b) (v4)(((v4i)(a) & (mask)) | ((v4i)(b) & ~(mask)))
#else
typedef struct v16 {
    float lane[16];
} v16;
#define V16_EACH(four, each)                                                                                                   \
    v16 result;                                                                                                                \
    int k;                                                                                                                     \
    for (k = 0; k < 16; k++)                                                                                                   \
        result.lane[k] = (each);                                                                                               \
    return result
#endif

static inline v16 v16_load(const float *p) {
    v16 result;
    memcpy(&result, p, sizeof result);
    return result;
}
static inline void v16_store(float *p, v16 a) {
    memcpy(p, &a, sizeof a);
}
static inline v16 v16_set(float x) {
    V16_EACH(((v4){x, x, x, x}), x);
}
static inline v16 v16_add(v16 a, v16 b) {
    V16_EACH(a.q[k] + b.q[k], a.lane[k] + b.lane[k]);
}
static inline v16 v16_sub(v16 a, v16 b) {
    V16_EACH(a.q[k] - b.q[k], a.lane[k] - b.lane[k]);
}
static inline v16 v16_mul(v16 a, v16 b) {
    V16_EACH(a.q[k] * b.q[k], a.lane[k] * b.lane[k]);
}
static inline v16 v16_div(v16 a, v16 b) {
    V16_EACH(a.q[k] / b.q[k], a.lane[k] / b.lane[k]);
}
/* a * b + c */
static inline v16 v16_fma(v16 a, v16 b, v16 c) {
    V16_EACH(a.q[k] * b.q[k] + c.q[k], a.lane[k] * b.lane[k] + c.lane[k]);
}
/* b where a is NaN, in both: that is what keeps NaN out of a clamp. */
static inline v16 v16_min(v16 a, v16 b) {
    V16_EACH(V4_CHOICE(a.q[k] < b.q[k], a.q[k], b.q[k]), a.lane[k] < b.lane[k] ? a.lane[k] : b.lane[k]);
}
static inline v16 v16_max(v16 a, v16 b) {
    V16_EACH(V4_CHOICE(a.q[k] > b.q[k], a.q[k], b.q[k]), a.lane[k] > b.lane[k] ? a.lane[k] : b.lane[k]);
}
/* To the nearest integer, ties to even; |a| < 2^22. Adding 1.5 * 2^23 leaves no room for a fraction. */
static inline v16 v16_round(v16 a) {
    const v16 shift = v16_set(12582912.0f);
    return v16_sub(v16_add(a, shift), shift);
}
/* 2^n for integral n in -126..127. */
static inline v16 v16_exp2_integer(v16 n) {
#if defined(__GNUC__)
    V16_EACH((v4)((__builtin_convertvector(n.q[k], v4i) + 127) << 23), );
#else
    v16 result;
    int k;
    for (k = 0; k < 16; k++) {
        const uint32_t bits = (uint32_t)((int32_t)n.lane[k] + 127) << 23;
        memcpy(&result.lane[k], &bits, sizeof bits);
    }
    return result;
#endif
}

/* What compilers would copy into very much code: it is called instead. */
#if defined(__GNUC__)
#define PYLSTM_CALLED static __attribute__((noinline, unused))
#else
#define PYLSTM_CALLED static
#endif
#define PYLSTM_UPDATE PYLSTM_CALLED /* lstm_update (lstm.inc.h) */

/* 16 words of two bfloat16 each: the weights that an even and the following odd input meet, exactly as floats. */
static inline v16 v16_low_bfloat16(v16 words) {
#if defined(__GNUC__)
    V16_EACH((v4)((v4u)words.q[k] << 16), );
#else
    v16 result;
    int k;
    for (k = 0; k < 16; k++) {
        uint32_t bits;
        memcpy(&bits, &words.lane[k], 4);
        bits <<= 16;
        memcpy(&result.lane[k], &bits, 4);
    }
    return result;
#endif
}
static inline v16 v16_high_bfloat16(v16 words) {
#if defined(__GNUC__)
    V16_EACH((v4)((v4u)words.q[k] & 0xffff0000u), );
#else
    v16 result;
    int k;
    for (k = 0; k < 16; k++) {
        uint32_t bits;
        memcpy(&bits, &words.lane[k], 4);
        bits &= 0xffff0000u;
        memcpy(&result.lane[k], &bits, 4);
    }
    return result;
#endif
}

/* 16 sums of products of unsigned (inputs) and signed (weights) bytes, exact. */
typedef struct v16i {
    int32_t lane[16];
} v16i;
typedef const signed char *v16q; /* 16 words of four weights each */

/* Where a sum begins: with what takes the 128 back that every input has been raised by. */
static inline v16i v16i_start(const int32_t *offset) {
    v16i result;
    memcpy(result.lane, offset, sizeof result.lane);
    return result;
}
static inline v16q v16q_load(const float *words) {
    return (const signed char *)words;
}
/* inputs: four bytes, the same for all lanes. */
PYLSTM_CALLED v16i v16i_dot(v16i sum, v16q weights, const unsigned char *inputs) {
    int k;
    for (k = 0; k < 16; k++) {
        sum.lane[k] += inputs[0] * weights[4 * k] + inputs[1] * weights[4 * k + 1] + inputs[2] * weights[4 * k + 2] +
                       inputs[3] * weights[4 * k + 3];
    }
    return sum;
}
static inline v16 v16i_float(v16i a) {
    float lanes[16];
    int k;
    for (k = 0; k < 16; k++)
        lanes[k] = (float)a.lane[k];
    return v16_load(lanes);
}

#undef V16_EACH
#endif
