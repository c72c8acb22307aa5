/* The vector vocabulary in AVX2 with FMA: 16 floats in two registers. The meaning of each word stands in simd_scalar.h. */
#ifndef PYLSTM_KERNELS_SIMD_AVX2_H
#define PYLSTM_KERNELS_SIMD_AVX2_H

#define PYLSTM_ISA_NAME       "avx2"
#define PYLSTM_BLOCKS_AT_ONCE 1 /* 8 of the 16 registers accumulate: enough to hide the latency of the multiply-add */
#define PYLSTM_TILE_COLUMNS   3 /* 12 registers accumulate; two gates, because reading one line in four is slow */
#define PYLSTM_TILE_GATES     2
#define PYLSTM_BYTE_COLUMNS   1 /* columns at once with int8 weights */

typedef struct v16 {
    __m256 a, b;
} v16;

static inline v16 v16_of(__m256 a, __m256 b) {
    v16 result;
    result.a = a;
    result.b = b;
    return result;
}
static inline v16 v16_load(const float *p) {
    return v16_of(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}
static inline void v16_store(float *p, v16 x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
static inline v16 v16_set(float x) {
    return v16_of(_mm256_set1_ps(x), _mm256_set1_ps(x));
}
static inline v16 v16_add(v16 x, v16 y) {
    return v16_of(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b));
}
static inline v16 v16_sub(v16 x, v16 y) {
    return v16_of(_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b));
}
static inline v16 v16_mul(v16 x, v16 y) {
    return v16_of(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b));
}
static inline v16 v16_div(v16 x, v16 y) {
    return v16_of(_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b));
}
static inline v16 v16_fma(v16 x, v16 y, v16 z) {
    return v16_of(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}
/* The instructions return their second operand where either is NaN. */
static inline v16 v16_min(v16 x, v16 y) {
    return v16_of(_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b));
}
static inline v16 v16_max(v16 x, v16 y) {
    return v16_of(_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b));
}
static inline v16 v16_round(v16 x) {
    return v16_of(_mm256_round_ps(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                  _mm256_round_ps(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
static inline __m256 v8_exp2_integer(__m256 n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
static inline v16 v16_exp2_integer(v16 n) {
    return v16_of(v8_exp2_integer(n.a), v8_exp2_integer(n.b));
}

static inline v16 v16_low_bfloat16(v16 words) {
    return v16_of(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words.a), 16)),
                  _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words.b), 16)));
}
static inline v16 v16_high_bfloat16(v16 words) {
    const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32((int)0xffff0000u));
    return v16_of(_mm256_and_ps(words.a, mask), _mm256_and_ps(words.b, mask));
}

#include "kernels/simd_bytes_avx2.h"

static inline v16 v16i_float(v16i x) {
    return v16_of(_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b));
}

#endif
