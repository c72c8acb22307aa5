/* What the vocabularies of AVX2 and AVX-512 have in common: 8 floats in one register, sums of products of bytes. vector.h says
 * what the words mean. */
#ifndef PYLSTM_KERNELS_VECTOR_X86_H
#define PYLSTM_KERNELS_VECTOR_X86_H

/* --- 8 floats --------------------------------------------------------------------------------------------------------- */

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

/* --- products of bytes ------------------------------------------------------------------------------------------------ */

#ifndef PYLSTM_VNNI

/* The instruction made for it (vpmaddubsw) saturates; so even and odd bytes are widened to 16 bits, where pairs of products add
 * up exactly. */
typedef struct v16i {
    __m256i a, b;
} v16i;
typedef struct v16q {
    __m256i even_a, odd_a, even_b, odd_b;
} v16q;

static inline v16i v16i_start(const int32_t *offset) {
    v16i result;
    result.a = _mm256_loadu_si256((const __m256i *)offset);
    result.b = _mm256_loadu_si256((const __m256i *)(offset + 8));
    return result;
}
static inline v16q v16q_load(const float *words) {
    const __m256i a = _mm256_loadu_si256((const __m256i *)words), b = _mm256_loadu_si256((const __m256i *)(words + 8));
    v16q result;
    result.even_a = _mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8);
    result.odd_a = _mm256_srai_epi16(a, 8);
    result.even_b = _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8);
    result.odd_b = _mm256_srai_epi16(b, 8);
    return result;
}
static inline v16i v16i_dot(v16i sum, v16q weights, const unsigned char *inputs) {
    int32_t four;
    __m256i all, even, odd;
    memcpy(&four, inputs, 4);
    all = _mm256_set1_epi32(four);
    even = _mm256_and_si256(all, _mm256_set1_epi16(0xff));
    odd = _mm256_srli_epi16(all, 8);
    sum.a = _mm256_add_epi32(sum.a,
                             _mm256_add_epi32(_mm256_madd_epi16(weights.even_a, even), _mm256_madd_epi16(weights.odd_a, odd)));
    sum.b = _mm256_add_epi32(sum.b,
                             _mm256_add_epi32(_mm256_madd_epi16(weights.even_b, even), _mm256_madd_epi16(weights.odd_b, odd)));
    return sum;
}

#endif

#endif
