/* The vector vocabulary in AVX-512: 16 floats in one register. The meaning of each word stands in simd_scalar.h. */
#ifndef PYLSTM_SIMD_H
#define PYLSTM_SIMD_H

#define PYLSTM_ISA_NAME       "avx512"
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

#endif
