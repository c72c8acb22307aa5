/* 8 floats in AVX2: the part of the vocabulary of the features that AVX-512 shares. */
#ifndef PYLSTM_KERNELS_FLOATS_AVX2_H
#define PYLSTM_KERNELS_FLOATS_AVX2_H

typedef __m256 v8;

static inline v8 v8_load(const float *p) {
    return _mm256_loadu_ps(p);
}
static inline void v8_store(float *p, v8 a) {
    _mm256_storeu_ps(p, a);
}
static inline v8 v8_set(float x) {
    return _mm256_set1_ps(x);
}
static inline v8 v8_add(v8 a, v8 b) {
    return _mm256_add_ps(a, b);
}
static inline v8 v8_mul(v8 a, v8 b) {
    return _mm256_mul_ps(a, b);
}
static inline v8 v8_min(v8 a, v8 b) {
    return _mm256_min_ps(a, b);
}
static inline float v8_sum(v8 a) {
    const __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 t = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(t, _mm_movehdup_ps(t)));
}

#endif
