/* The vocabulary of the features for any processor: where the compiler has generic vectors, 2 doubles, so that it uses what the
 * baseline of the target offers (SSE2 on x86-64); else one. The meaning of each word stands in doubles_one.h.
 */
#if !defined(__GNUC__)
#include "kernels/doubles_one.h"
#endif
#ifndef PYLSTM_KERNELS_DOUBLES_SCALAR_H
#define PYLSTM_KERNELS_DOUBLES_SCALAR_H

#include <stdint.h>
#include <string.h>

#include "kernels/float_bits.h"

#define VD_LANES 2

typedef double vd __attribute__((vector_size(16)));
typedef float v4 __attribute__((vector_size(16)));

static inline vd vd_load(const double *p) {
    vd a;
    memcpy(&a, p, sizeof a);
    return a;
}
static inline void vd_store(double *p, vd a) {
    memcpy(p, &a, sizeof a);
}
static inline vd vd_set(double x) {
    return (vd){x, x};
}
static inline vd vd_add(vd a, vd b) {
    return a + b;
}
static inline vd vd_sub(vd a, vd b) {
    return a - b;
}
static inline vd vd_mul(vd a, vd b) {
    return a * b;
}
static inline vd vd_div(vd a, vd b) {
    return a / b;
}
static inline vd vd_reverse(vd a) {
    return (vd){a[1], a[0]};
}
static inline void vd_store_float(float *p, vd a) {
    p[0] = (float)a[0];
    p[1] = (float)a[1];
}
static inline void vd_load_pairs(const float *p, vd *even, vd *odd) {
    *even = (vd){p[0], p[2]};
    *odd = (vd){p[1], p[3]};
}
static inline void vd_store_fours(double *p, vd a, vd b, vd c, vd d) {
    vd_store(p, (vd){a[0], b[0]});
    vd_store(p + 2, (vd){c[0], d[0]});
    vd_store(p + 4, (vd){a[1], b[1]});
    vd_store(p + 6, (vd){c[1], d[1]});
}
static inline void vd_load_split(const float *p, vd *exponent, vd *m) {
    int k;
    for (k = 0; k < 2; k++) {
        const float x = p[k] > 1e-10f ? p[k] : 1e-10f;
        uint32_t bits, octaves;
        float fraction;
        memcpy(&bits, &x, sizeof bits);
        octaves = (bits - PYLSTM_SQRT_HALF + PYLSTM_ONE) >> 23;
        bits -= (octaves - 127) << 23;
        memcpy(&fraction, &bits, sizeof bits);
        (*exponent)[k] = (double)((int32_t)octaves - 127);
        (*m)[k] = fraction;
    }
}

typedef struct v8 {
    v4 a, b;
} v8;

static inline v8 v8_load(const float *p) {
    v8 x;
    memcpy(&x.a, p, sizeof x.a);
    memcpy(&x.b, p + 4, sizeof x.b);
    return x;
}
static inline void v8_store(float *p, v8 x) {
    memcpy(p, &x.a, sizeof x.a);
    memcpy(p + 4, &x.b, sizeof x.b);
}
static inline v8 v8_set(float x) {
    return (v8){{x, x, x, x}, {x, x, x, x}};
}
static inline v8 v8_add(v8 x, v8 y) {
    return (v8){x.a + y.a, x.b + y.b};
}
static inline v8 v8_mul(v8 x, v8 y) {
    return (v8){x.a * y.a, x.b * y.b};
}
static inline v4 v4_min(v4 x, v4 y) {
    int k;
    for (k = 0; k < 4; k++)
        x[k] = x[k] < y[k] ? x[k] : y[k];
    return x;
}
static inline v8 v8_min(v8 x, v8 y) {
    return (v8){v4_min(x.a, y.a), v4_min(x.b, y.b)};
}
static inline float v8_sum(v8 x) {
    const v4 s = x.a + x.b;
    return (s[0] + s[2]) + (s[1] + s[3]);
}

#endif
