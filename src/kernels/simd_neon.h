/* The vector vocabulary in NEON (AArch64): 16 floats in four registers. The meaning of each word stands in simd_scalar.h. */
#ifndef PYLSTM_KERNELS_SIMD_NEON_H
#define PYLSTM_KERNELS_SIMD_NEON_H

#define PYLSTM_ISA_NAME       "neon"
#define PYLSTM_BLOCKS_AT_ONCE 1 /* 16 of the 32 registers accumulate */
#define PYLSTM_TILE_COLUMNS   2 /* 16 registers accumulate, 8 hold weights, 1 an input */
#define PYLSTM_TILE_GATES     2
#define PYLSTM_BYTE_COLUMNS   1 /* columns at once with int8 weights */

typedef struct v16 {
    float32x4_t q[4];
} v16;

#define V16_EACH(expression)                                                                                                   \
    v16 result;                                                                                                                \
    int k;                                                                                                                     \
    for (k = 0; k < 4; k++)                                                                                                    \
        result.q[k] = (expression);                                                                                            \
    return result

static inline v16 v16_load(const float *p) {
    V16_EACH(vld1q_f32(p + 4 * k));
}
static inline void v16_store(float *p, v16 x) {
    int k;
    for (k = 0; k < 4; k++)
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

/* Inputs are taken as signed here (128 less than they are stored), so there is nothing to take back. */
static inline v16i v16i_start(const int32_t *offset) {
    v16i result;
    int k;
    (void)offset;
    for (k = 0; k < 4; k++)
        result.q[k] = vdupq_n_s32(0);
    return result;
}
static inline v16q v16q_load(const float *words) {
    v16q result;
    int k;
    for (k = 0; k < 4; k++)
        result.q[k] = vld1q_s8((const signed char *)words + 16 * k);
    return result;
}
static inline v16i v16i_dot(v16i sum, v16q weights, const unsigned char *inputs) {
    uint32_t four;
    int8x8_t all;
    int k;
    memcpy(&four, inputs, 4);
    all = vreinterpret_s8_u32(vdup_n_u32(four ^ 0x80808080u));
    for (k = 0; k < 4; k++) {
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
#endif
