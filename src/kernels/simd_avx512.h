/* The vector vocabulary in AVX-512: 16 floats in one register. The meaning of each word stands in simd_scalar.h. */
#ifndef PYLSTM_KERNELS_SIMD_AVX512_H
#define PYLSTM_KERNELS_SIMD_AVX512_H

#if defined(PYLSTM_BF16)
#define PYLSTM_ISA_NAME "avx512bf16"
#elif defined(PYLSTM_VNNI)
#define PYLSTM_ISA_NAME "avx512vnni"
#else
#define PYLSTM_ISA_NAME "avx512"
#endif
#ifdef PYLSTM_VNNI
#define PYLSTM_BYTE_COLUMNS 6 /* columns at once with int8 weights */
#else
#define PYLSTM_BYTE_COLUMNS 1
#endif
#define PYLSTM_BLOCKS_AT_ONCE 2 /* 8 of the 32 registers accumulate */
#define PYLSTM_TILE_COLUMNS   6 /* 24 registers accumulate, 4 hold weights, 1 an input */
#define PYLSTM_TILE_GATES     4

typedef __m512 v16;

static inline v16 v16_load(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline void v16_store(float *p, v16 x) {
    _mm512_storeu_ps(p, x);
}
static inline v16 v16_set(float x) {
    return _mm512_set1_ps(x);
}
static inline v16 v16_add(v16 x, v16 y) {
    return _mm512_add_ps(x, y);
}
static inline v16 v16_sub(v16 x, v16 y) {
    return _mm512_sub_ps(x, y);
}
static inline v16 v16_mul(v16 x, v16 y) {
    return _mm512_mul_ps(x, y);
}
static inline v16 v16_div(v16 x, v16 y) {
    return _mm512_div_ps(x, y);
}
static inline v16 v16_fma(v16 x, v16 y, v16 z) {
    return _mm512_fmadd_ps(x, y, z);
}
/* The instructions return their second operand where either is NaN. */
static inline v16 v16_min(v16 x, v16 y) {
    return _mm512_min_ps(x, y);
}
static inline v16 v16_max(v16 x, v16 y) {
    return _mm512_max_ps(x, y);
}
static inline v16 v16_round(v16 x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline v16 v16_exp2_integer(v16 n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
}

#ifdef PYLSTM_BF16

/* The instruction adds the product of the upper halves first, then that of the lower ones, each fused: what v16_dot_pair of
 * products.inc.h does with two. */
#define PYLSTM_DOT_PAIR
typedef __m512bh v16_pair;

static inline v16_pair v16_pair_load(const uint32_t *pair) {
    return (__m512bh)_mm512_set1_epi32((int)*pair);
}
static inline v16 v16_dot_pair(v16 sum, v16 words, v16_pair inputs) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(words), inputs);
}

#endif

static inline v16 v16_low_bfloat16(v16 words) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(words), 16));
}
static inline v16 v16_high_bfloat16(v16 words) {
    return _mm512_castsi512_ps(_mm512_and_epi32(_mm512_castps_si512(words), _mm512_set1_epi32((int)0xffff0000u)));
}

#ifdef PYLSTM_VNNI

typedef __m512i v16i;
typedef __m512i v16q;

static inline v16i v16i_start(const int32_t *offset) {
    return _mm512_loadu_si512(offset);
}
static inline v16q v16q_load(const float *words) {
    return _mm512_loadu_si512(words);
}
static inline v16i v16i_dot(v16i sum, v16q weights, const unsigned char *inputs) {
    int32_t four;
    memcpy(&four, inputs, 4);
    return _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(four), weights);
}
static inline v16 v16i_float(v16i x) {
    return _mm512_cvtepi32_ps(x);
}

#else

#include "kernels/simd_bytes_avx2.h"

static inline v16 v16i_float(v16i x) {
    return _mm512_cvtepi32_ps(_mm512_inserti64x4(_mm512_castsi256_si512(x.a), x.b, 1));
}

#endif

#endif
