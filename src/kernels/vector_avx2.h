/* The vector vocabulary in AVX2 with FMA: 16 floats in two registers, 4 doubles. vector.h says what the words mean. */
#ifndef PYLSTM_KERNELS_VECTOR_AVX2_H
#define PYLSTM_KERNELS_VECTOR_AVX2_H

#include <immintrin.h>

#include "kernels/vector.h"

#define PYLSTM_ISA            avx2
#define PYLSTM_VECTOR         avx2
#define PYLSTM_BLOCKS_AT_ONCE 1 /* 8 of the 16 registers accumulate: enough to hide the latency of the multiply-add */
#define PYLSTM_TILE_COLUMNS   3 /* 12 registers accumulate; two vectors, because reading one line in four is slow */
#define PYLSTM_TILE_VECTORS   2
#define PYLSTM_BYTE_COLUMNS   1
#define PYLSTM_CONV_COLUMNS   6 /* 12 registers accumulate */
#define VD_LANES              4

#define PYLSTM_TARGET "avx2,fma"
#include "kernels/target_begin.inc.h"
#include "kernels/vector_x86.h"

/* --- 16 floats -------------------------------------------------------------------------------------------------------- */

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

static inline v16 v16_sqrt(v16 x) {
    return v16_of(_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b));
}
static inline __m256 v8_split(__m256 x, __m256 *m) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i raised = _mm256_add_epi32(bits, _mm256_set1_epi32((int)(PYLSTM_ONE_BITS - PYLSTM_SQRT_HALF_BITS)));
    const __m256i octaves = _mm256_sub_epi32(_mm256_srli_epi32(raised, 23), _mm256_set1_epi32(127));
    *m = _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(octaves, 23)));
    return _mm256_cvtepi32_ps(octaves);
}
static inline void v16_split(v16 x, v16 *exponent, v16 *m) {
    exponent->a = v8_split(x.a, &m->a);
    exponent->b = v8_split(x.b, &m->b);
}

static inline v16 v16_low_bfloat16(v16 words) {
    return v16_of(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words.a), 16)),
                  _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words.b), 16)));
}
static inline v16 v16_high_bfloat16(v16 words) {
    const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32((int)0xffff0000u));
    return v16_of(_mm256_and_ps(words.a, mask), _mm256_and_ps(words.b, mask));
}

static inline v16 v16i_float(v16i x) {
    return v16_of(_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b));
}

/* --- 4 doubles -------------------------------------------------------------------------------------------------------- */

typedef __m256d vd;

static inline vd vd_load(const double *p) {
    return _mm256_loadu_pd(p);
}
static inline void vd_store(double *p, vd a) {
    _mm256_storeu_pd(p, a);
}
static inline vd vd_set(double x) {
    return _mm256_set1_pd(x);
}
static inline vd vd_add(vd a, vd b) {
    return _mm256_add_pd(a, b);
}
static inline vd vd_sub(vd a, vd b) {
    return _mm256_sub_pd(a, b);
}
static inline vd vd_mul(vd a, vd b) {
    return _mm256_mul_pd(a, b);
}
static inline vd vd_div(vd a, vd b) {
    return _mm256_div_pd(a, b);
}
static inline vd vd_reverse(vd a) {
    return _mm256_permute4x64_pd(a, 0x1b);
}
static inline void vd_store_float(float *p, vd a) {
    _mm_storeu_ps(p, _mm256_cvtpd_ps(a));
}
static inline void vd_load_pairs(const float *p, vd *even, vd *odd) {
    const __m128 a = _mm_loadu_ps(p), b = _mm_loadu_ps(p + 4);
    *even = _mm256_cvtps_pd(_mm_shuffle_ps(a, b, 0x88));
    *odd = _mm256_cvtps_pd(_mm_shuffle_ps(a, b, 0xdd));
}
static inline void vd_store_fours(double *p, vd a, vd b, vd c, vd d) {
    const vd ab02 = _mm256_unpacklo_pd(a, b), ab13 = _mm256_unpackhi_pd(a, b);
    const vd cd02 = _mm256_unpacklo_pd(c, d), cd13 = _mm256_unpackhi_pd(c, d);
    vd_store(p, _mm256_permute2f128_pd(ab02, cd02, 0x20));
    vd_store(p + 4, _mm256_permute2f128_pd(ab13, cd13, 0x20));
    vd_store(p + 8, _mm256_permute2f128_pd(ab02, cd02, 0x31));
    vd_store(p + 12, _mm256_permute2f128_pd(ab13, cd13, 0x31));
}
static inline void vd_load_split(const float *p, vd *exponent, vd *m) {
    const __m128i bits = _mm_castps_si128(_mm_max_ps(_mm_loadu_ps(p), _mm_set1_ps(1e-10f)));
    const __m128i raised = _mm_add_epi32(bits, _mm_set1_epi32((int)(PYLSTM_ONE_BITS - PYLSTM_SQRT_HALF_BITS)));
    const __m128i octaves = _mm_sub_epi32(_mm_srli_epi32(raised, 23), _mm_set1_epi32(127));
    *exponent = _mm256_cvtepi32_pd(octaves);
    *m = _mm256_cvtps_pd(_mm_castsi128_ps(_mm_sub_epi32(bits, _mm_slli_epi32(octaves, 23))));
}

#endif
