/* The vocabulary of the features in AVX2: 4 doubles, 8 floats. The meaning of each word stands in doubles_one.h. */
#ifndef PYLSTM_KERNELS_DOUBLES_AVX2_H
#define PYLSTM_KERNELS_DOUBLES_AVX2_H

#include "kernels/float_bits.h"

#define VD_LANES 4

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
    const __m128i raised = _mm_add_epi32(bits, _mm_set1_epi32((int)(PYLSTM_ONE - PYLSTM_SQRT_HALF)));
    const __m128i octaves = _mm_sub_epi32(_mm_srli_epi32(raised, 23), _mm_set1_epi32(127));
    *exponent = _mm256_cvtepi32_pd(octaves);
    *m = _mm256_cvtps_pd(_mm_castsi128_ps(_mm_sub_epi32(bits, _mm_slli_epi32(octaves, 23))));
}

#include "kernels/floats_avx2.h"

#endif
