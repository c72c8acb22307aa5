/* The vector vocabulary in NEON (AArch64): 16 floats in four registers, 2 doubles. vector.h says what the words mean. */
#ifndef PYLSTM_KERNELS_VECTOR_NEON_H
#define PYLSTM_KERNELS_VECTOR_NEON_H

#include <arm_neon.h>

#include "kernels/vector.h"

#define PYLSTM_ISA            neon
#define PYLSTM_VECTOR         neon
#define PYLSTM_BLOCKS_AT_ONCE 1 /* 16 of the 32 registers accumulate */
#define PYLSTM_TILE_COLUMNS   2 /* 16 registers accumulate, 8 hold weights, 1 an input */
#define PYLSTM_TILE_VECTORS   2
#define PYLSTM_BYTE_COLUMNS   1
#define PYLSTM_CONV_COLUMNS   6 /* 24 registers accumulate, 4 hold weights */
#define VD_LANES              2

/* --- 16 floats -------------------------------------------------------------------------------------------------------- */

typedef struct v16 {
    float32x4_t q[4];
} v16;

#define V16_EACH(expression)                                                                                                   \
    v16 result;                                                                                                                \
    for (int k = 0; k < 4; k++)                                                                                                \
        result.q[k] = (expression);                                                                                            \
    return result

static inline v16 v16_load(const float *p) {
    V16_EACH(vld1q_f32(p + 4 * k));
}
static inline void v16_store(float *p, v16 x) {
    for (int k = 0; k < 4; k++)
        vst1q_f32(p + 4 * k, x.q[k]);
}
static inline v16 v16_set(float x) {
    V16_EACH(vdupq_n_f32(x));
}
static inline v16 v16_add(v16 x, v16 y) {
    V16_EACH(vaddq_f32(x.q[k], y.q[k]));
}
static inline v16 v16_sub(v16 x, v16 y) {
    V16_EACH(vsubq_f32(x.q[k], y.q[k]));
}
static inline v16 v16_mul(v16 x, v16 y) {
    V16_EACH(vmulq_f32(x.q[k], y.q[k]));
}
static inline v16 v16_div(v16 x, v16 y) {
    V16_EACH(vdivq_f32(x.q[k], y.q[k]));
}
static inline v16 v16_fma(v16 x, v16 y, v16 z) {
    V16_EACH(vfmaq_f32(z.q[k], x.q[k], y.q[k]));
}
/* By comparison and selection: y where x is NaN, as the words demand, and the same choice on +0 and -0 as x86. */
static inline v16 v16_min(v16 x, v16 y) {
    V16_EACH(vbslq_f32(vcltq_f32(x.q[k], y.q[k]), x.q[k], y.q[k]));
}
static inline v16 v16_max(v16 x, v16 y) {
    V16_EACH(vbslq_f32(vcgtq_f32(x.q[k], y.q[k]), x.q[k], y.q[k]));
}
static inline v16 v16_round(v16 x) {
    V16_EACH(vrndnq_f32(x.q[k]));
}
static inline v16 v16_exp2_integer(v16 n) {
    V16_EACH(vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n.q[k]), vdupq_n_s32(127)), 23)));
}

static inline v16 v16_sqrt(v16 x) {
    V16_EACH(vsqrtq_f32(x.q[k]));
}
static inline void v16_split(v16 x, v16 *exponent, v16 *m) {
    for (int k = 0; k < 4; k++) {
        const int32x4_t bits = vreinterpretq_s32_f32(x.q[k]);
        const int32x4_t raised = vaddq_s32(bits, vdupq_n_s32((int)(PYLSTM_ONE_BITS - PYLSTM_SQRT_HALF_BITS)));
        const int32x4_t octaves = vsubq_s32(vshrq_n_s32(raised, 23), vdupq_n_s32(127));
        m->q[k] = vreinterpretq_f32_s32(vsubq_s32(bits, vshlq_n_s32(octaves, 23)));
        exponent->q[k] = vcvtq_f32_s32(octaves);
    }
}

static inline v16 v16_low_bfloat16(v16 words) {
    V16_EACH(vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(words.q[k]), 16)));
}
static inline v16 v16_high_bfloat16(v16 words) {
    V16_EACH(vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(words.q[k]), vdupq_n_u32(0xffff0000u))));
}

typedef struct v16i {
    int32x4_t q[4];
} v16i;
typedef struct v16q {
    int8x16_t q[4];
} v16q;

/* Inputs are taken as signed here (128 less than they are stored), so no correction is needed. */
static inline v16i v16i_start(const int32_t *offset) {
    v16i result;
    (void)offset;
    for (int k = 0; k < 4; k++)
        result.q[k] = vdupq_n_s32(0);
    return result;
}
static inline v16q v16q_load(const float *words) {
    v16q result;
    for (int k = 0; k < 4; k++)
        result.q[k] = vld1q_s8((const signed char *)words + 16 * k);
    return result;
}
static inline v16i v16i_dot(v16i sum, v16q weights, const unsigned char *inputs) {
    uint32_t four;
    int8x8_t all;
    memcpy(&four, inputs, 4);
    all = vreinterpret_s8_u32(vdup_n_u32(four ^ 0x80808080u));
    for (int k = 0; k < 4; k++) {
        const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(weights.q[k]), all));
        const int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(weights.q[k]), all));
        sum.q[k] = vaddq_s32(sum.q[k], vpaddq_s32(low, high));
    }
    return sum;
}
static inline v16 v16i_float(v16i x) {
    V16_EACH(vcvtq_f32_s32(x.q[k]));
}

#undef V16_EACH

/* --- 2 doubles, 8 floats ---------------------------------------------------------------------------------------------- */

typedef float64x2_t vd;

static inline vd vd_load(const double *p) {
    return vld1q_f64(p);
}
static inline void vd_store(double *p, vd a) {
    vst1q_f64(p, a);
}
static inline vd vd_set(double x) {
    return vdupq_n_f64(x);
}
static inline vd vd_add(vd a, vd b) {
    return vaddq_f64(a, b);
}
static inline vd vd_sub(vd a, vd b) {
    return vsubq_f64(a, b);
}
static inline vd vd_mul(vd a, vd b) {
    return vmulq_f64(a, b);
}
static inline vd vd_div(vd a, vd b) {
    return vdivq_f64(a, b);
}
static inline vd vd_reverse(vd a) {
    return vextq_f64(a, a, 1);
}
static inline void vd_store_float(float *p, vd a) {
    vst1_f32(p, vcvt_f32_f64(a));
}
static inline void vd_load_pairs(const float *p, vd *even, vd *odd) {
    const float32x2x2_t pairs = vld2_f32(p);
    *even = vcvt_f64_f32(pairs.val[0]);
    *odd = vcvt_f64_f32(pairs.val[1]);
}
static inline void vd_store_fours(double *p, vd a, vd b, vd c, vd d) {
    vst1q_f64(p, vzip1q_f64(a, b));
    vst1q_f64(p + 2, vzip1q_f64(c, d));
    vst1q_f64(p + 4, vzip2q_f64(a, b));
    vst1q_f64(p + 6, vzip2q_f64(c, d));
}
static inline void vd_load_split(const float *p, vd *exponent, vd *m) {
    const uint32x2_t bits = vreinterpret_u32_f32(vmax_f32(vld1_f32(p), vdup_n_f32(1e-10f)));
    const uint32x2_t raised = vadd_u32(bits, vdup_n_u32(PYLSTM_ONE_BITS - PYLSTM_SQRT_HALF_BITS));
    const uint32x2_t octaves = vsub_u32(vshr_n_u32(raised, 23), vdup_n_u32(127));
    *exponent = vcvtq_f64_s64(vmovl_s32(vreinterpret_s32_u32(octaves)));
    *m = vcvt_f64_f32(vreinterpret_f32_u32(vsub_u32(bits, vshl_n_u32(octaves, 23))));
}

typedef struct v8 {
    float32x4_t a, b;
} v8;

static inline v8 v8_of(float32x4_t a, float32x4_t b) {
    v8 result;
    result.a = a;
    result.b = b;
    return result;
}
static inline v8 v8_load(const float *p) {
    return v8_of(vld1q_f32(p), vld1q_f32(p + 4));
}
static inline void v8_store(float *p, v8 x) {
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
}
static inline v8 v8_set(float x) {
    return v8_of(vdupq_n_f32(x), vdupq_n_f32(x));
}
static inline v8 v8_add(v8 x, v8 y) {
    return v8_of(vaddq_f32(x.a, y.a), vaddq_f32(x.b, y.b));
}
static inline v8 v8_mul(v8 x, v8 y) {
    return v8_of(vmulq_f32(x.a, y.a), vmulq_f32(x.b, y.b));
}
static inline v8 v8_min(v8 x, v8 y) {
    return v8_of(vminq_f32(x.a, y.a), vminq_f32(x.b, y.b));
}
static inline float v8_sum(v8 x) {
    const float32x4_t s = vaddq_f32(x.a, x.b);
    const float32x2_t t = vadd_f32(vget_low_f32(s), vget_high_f32(s));
    return vget_lane_f32(t, 0) + vget_lane_f32(t, 1);
}

#endif
