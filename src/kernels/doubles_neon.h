/* The vocabulary of the features in NEON (AArch64): 2 doubles, 8 floats. The meaning of each word stands in doubles_one.h. */
#ifndef PYLSTM_KERNELS_DOUBLES_NEON_H
#define PYLSTM_KERNELS_DOUBLES_NEON_H

#include "kernels/float_bits.h"

#define VD_LANES 2

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
    const uint32x2_t raised = vadd_u32(bits, vdup_n_u32(PYLSTM_ONE - PYLSTM_SQRT_HALF));
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
