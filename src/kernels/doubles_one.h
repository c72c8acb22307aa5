/* The vocabulary of the features without vectors: 1 double, 8 floats in an array. Any C compiler, any processor; this file says
 * what the words mean.
 *
 * Every word rounds as C does, element by element, and none is a fused multiply-add: so all instruction sets give the same
 * bits, however wide their vectors are.
 */
#ifndef PYLSTM_KERNELS_DOUBLES_ONE_H
#define PYLSTM_KERNELS_DOUBLES_ONE_H

#include <stdint.h>
#include <string.h>

#include "kernels/float_bits.h"

#define VD_LANES 1 /* doubles in a vd: whatever the registers hold */

typedef double vd;

static inline vd vd_load(const double *p) {
    return *p;
}
static inline void vd_store(double *p, vd a) {
    *p = a;
}
static inline vd vd_set(double x) {
    return x;
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
/* The last lane first. */
static inline vd vd_reverse(vd a) {
    return a;
}
/* Rounded to float32. */
static inline void vd_store_float(float *p, vd a) {
    *p = (float)a;
}
/* p[0], p[2], p[4] ... and p[1], p[3], p[5] ... */
static inline void vd_load_pairs(const float *p, vd *even, vd *odd) {
    *even = p[0];
    *odd = p[1];
}
/* p[4 k + j] = lane k of the j-th. */
static inline void vd_store_fours(double *p, vd a, vd b, vd c, vd d) {
    p[0] = a;
    p[1] = b;
    p[2] = c;
    p[3] = d;
}
/* *exponent and *m with 2^exponent m = max(1e-10, p[k]), m in [sqrt(1/2), sqrt(2)); p[k] is finite. */
static inline void vd_load_split(const float *p, vd *exponent, vd *m) {
    const float x = *p > 1e-10f ? *p : 1e-10f;
    uint32_t bits, octaves;
    float fraction;
    memcpy(&bits, &x, sizeof bits);
    octaves = (bits - PYLSTM_SQRT_HALF + PYLSTM_ONE) >> 23; /* 127 too many, so that nothing negative is shifted */
    bits -= (octaves - 127) << 23;
    memcpy(&fraction, &bits, sizeof bits);
    *exponent = (double)((int32_t)octaves - 127);
    *m = fraction;
}

typedef struct v8 {
    float lane[8];
} v8;

#define V8_EACH(each)                                                                                                          \
    v8 result;                                                                                                                 \
    int k;                                                                                                                     \
    for (k = 0; k < 8; k++)                                                                                                    \
        result.lane[k] = (each);                                                                                               \
    return result

static inline v8 v8_load(const float *p) {
    V8_EACH(p[k]);
}
static inline void v8_store(float *p, v8 a) {
    memcpy(p, a.lane, sizeof a.lane);
}
static inline v8 v8_set(float x) {
    V8_EACH(x);
}
static inline v8 v8_add(v8 a, v8 b) {
    V8_EACH(a.lane[k] + b.lane[k]);
}
static inline v8 v8_mul(v8 a, v8 b) {
    V8_EACH(a.lane[k] * b.lane[k]);
}
static inline v8 v8_min(v8 a, v8 b) {
    V8_EACH(a.lane[k] < b.lane[k] ? a.lane[k] : b.lane[k]);
}
/* The sum of all lanes, halves first. */
static inline float v8_sum(v8 a) {
    const float *s = a.lane;
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

#undef V8_EACH
#endif
