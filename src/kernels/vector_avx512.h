/* The vector vocabulary in AVX-512: 16 floats or 8 doubles in one register. vector.h says what the words mean. PYLSTM_VNNI and
 * PYLSTM_BF16, defined before, bring in the instructions for products of bytes and of bfloat16. */
#ifndef PYLSTM_KERNELS_VECTOR_AVX512_H
#define PYLSTM_KERNELS_VECTOR_AVX512_H

#include <immintrin.h>

#include "kernels/vector.h"

#if defined(PYLSTM_BF16)
#define PYLSTM_ISA    avx512bf16
#define PYLSTM_TARGET "avx512f,avx512vnni,avx512bf16,avx2,fma"
#elif defined(PYLSTM_VNNI)
#define PYLSTM_ISA    avx512vnni
#define PYLSTM_TARGET "avx512f,avx512vnni,avx2,fma"
#else
#define PYLSTM_ISA    avx512
#define PYLSTM_TARGET "avx512f,avx2,fma"
#endif
#ifdef PYLSTM_VNNI
#define PYLSTM_BYTE_COLUMNS 6
#else
#define PYLSTM_BYTE_COLUMNS 1
#endif
#define PYLSTM_VECTOR         avx512
#define PYLSTM_BLOCKS_AT_ONCE 2 /* 8 of the 32 registers accumulate */
#define PYLSTM_TILE_COLUMNS   6 /* 24 registers accumulate, 4 hold weights, 1 an input */
#define PYLSTM_TILE_VECTORS   4
#define PYLSTM_CONV_COLUMNS   8 /* 8 registers accumulate, as many as hide the latency */
#define VD_LANES              8

#include "kernels/target_begin.inc.h"
#include "kernels/vector_x86.h"

/* --- 16 floats -------------------------------------------------------------------------------------------------------- */

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

static inline v16 v16_sqrt(v16 x) {
    return _mm512_sqrt_ps(x);
}
static inline void v16_split(v16 x, v16 *exponent, v16 *m) {
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i raised = _mm512_add_epi32(bits, _mm512_set1_epi32((int)(PYLSTM_ONE_BITS - PYLSTM_SQRT_HALF_BITS)));
    const __m512i octaves = _mm512_sub_epi32(_mm512_srli_epi32(raised, 23), _mm512_set1_epi32(127));
    *m = _mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(octaves, 23)));
    *exponent = _mm512_cvtepi32_ps(octaves);
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

static inline v16 v16i_float(v16i x) {
    return _mm512_cvtepi32_ps(_mm512_inserti64x4(_mm512_castsi256_si512(x.a), x.b, 1));
}

#endif

/* --- 8 doubles -------------------------------------------------------------------------------------------------------- */

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
    const __m256i raised = _mm256_add_epi32(bits, _mm256_set1_epi32((int)(PYLSTM_ONE_BITS - PYLSTM_SQRT_HALF_BITS)));
    const __m256i octaves = _mm256_sub_epi32(_mm256_srli_epi32(raised, 23), _mm256_set1_epi32(127));
    *exponent = _mm512_cvtepi32_pd(octaves);
    *m = _mm512_cvtps_pd(_mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(octaves, 23))));
}

#endif
