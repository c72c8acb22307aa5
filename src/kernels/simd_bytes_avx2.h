/* Sums of products of bytes in AVX2, for the vocabularies of AVX2 and of AVX-512 without VNNI. The meaning of each word stands
 * in simd_scalar.h.
 *
 * The instruction made for it (vpmaddubsw) saturates; so even and odd bytes are widened to 16 bits, where pairs of products add
 * up exactly.
 */
#ifndef PYLSTM_KERNELS_SIMD_BYTES_AVX2_H
#define PYLSTM_KERNELS_SIMD_BYTES_AVX2_H

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
