/* The vocabulary of the features in AVX-512: 8 doubles, 8 floats. The meaning of each word stands in doubles_one.h. */
#ifndef PYLSTM_KERNELS_DOUBLES_AVX512_H
#define PYLSTM_KERNELS_DOUBLES_AVX512_H

#include "kernels/float_bits.h"

#define VD_LANES 8

typedef __m512d vd;

static inline vd vd_load(const double *p) {
    return _mm512_loadu_pd(p);
}
static inline void vd_store(double *p, vd a) {
    _mm512_storeu_pd(p, a);
}
static inline vd vd_set(double x) {
    return _mm512_set1_pd(x);
}
static inline vd vd_add(vd a, vd b) {
    return _mm512_add_pd(a, b);
}
static inline vd vd_sub(vd a, vd b) {
    return _mm512_sub_pd(a, b);
}
static inline vd vd_mul(vd a, vd b) {
    return _mm512_mul_pd(a, b);
}
static inline vd vd_div(vd a, vd b) {
    return _mm512_div_pd(a, b);
}
static inline vd vd_reverse(vd a) {
    return _mm512_permutexvar_pd(_mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7), a);
}
static inline void vd_store_float(float *p, vd a) {
    _mm256_storeu_ps(p, _mm512_cvtpd_ps(a));
}
static inline void vd_load_pairs(const float *p, vd *even, vd *odd) {
    const __m256 a = _mm256_loadu_ps(p), b = _mm256_loadu_ps(p + 8);
    const __m256 e = _mm256_shuffle_ps(a, b, 0x88), o = _mm256_shuffle_ps(a, b, 0xdd); /* pairs of them: 0 2 1 3 */
    *even = _mm512_cvtps_pd(_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(e), 0xd8)));
    *odd = _mm512_cvtps_pd(_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(o), 0xd8)));
}
static inline void vd_store_fours(double *p, vd a, vd b, vd c, vd d) {
    const __m512i first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), last = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    const __m512i low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    const vd ab0 = _mm512_permutex2var_pd(a, first, b), ab4 = _mm512_permutex2var_pd(a, last, b);
    const vd cd0 = _mm512_permutex2var_pd(c, first, d), cd4 = _mm512_permutex2var_pd(c, last, d);
    vd_store(p, _mm512_permutex2var_pd(ab0, low, cd0));
    vd_store(p + 8, _mm512_permutex2var_pd(ab0, high, cd0));
    vd_store(p + 16, _mm512_permutex2var_pd(ab4, low, cd4));
    vd_store(p + 24, _mm512_permutex2var_pd(ab4, high, cd4));
}
/* Two values, each in four lanes. */
static inline vd vd_load_two(const double *p) {
    return _mm512_mask_broadcastsd_pd(_mm512_set1_pd(p[0]), 0xf0, _mm_load_sd(p + 1));
}
/* The lower halves of a and b, one after the other, and the upper ones. */
static inline void vd_store_halves(double *low, double *high, vd a, vd b) {
    vd_store(low, _mm512_shuffle_f64x2(a, b, 0x44));
    vd_store(high, _mm512_shuffle_f64x2(a, b, 0xee));
}
static inline void vd_load_split(const float *p, vd *exponent, vd *m) {
    const __m256i bits = _mm256_castps_si256(_mm256_max_ps(_mm256_loadu_ps(p), _mm256_set1_ps(1e-10f)));
    const __m256i raised = _mm256_add_epi32(bits, _mm256_set1_epi32((int)(PYLSTM_ONE - PYLSTM_SQRT_HALF)));
    const __m256i octaves = _mm256_sub_epi32(_mm256_srli_epi32(raised, 23), _mm256_set1_epi32(127));
    *exponent = _mm512_cvtepi32_pd(octaves);
    *m = _mm512_cvtps_pd(_mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(octaves, 23))));
}

#include "kernels/floats_avx2.h"

#endif
