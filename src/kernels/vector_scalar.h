/* The vector vocabulary without an instruction set: any C compiler, any processor. vector.h says what the words mean.
 *
 * Where the compiler has generic vectors, a part holds 4 floats and a vd 2 doubles: the compiler then uses whatever the
 * baseline of the target offers (SSE2 on x86-64). Elsewhere, and where PYLSTM_ONE_LANE is defined before, they hold one. The
 * arithmetic is the same either way.
 */
#ifndef PYLSTM_KERNELS_VECTOR_SCALAR_H
#define PYLSTM_KERNELS_VECTOR_SCALAR_H

/* Functions that compilers would otherwise inline into a great deal of code are called instead. */
#if defined(__GNUC__)
#define PYLSTM_LARGE static __attribute__((noinline, unused))
#else
#define PYLSTM_LARGE static
#endif

#include "kernels/vector.h"

#include <math.h>

#define PYLSTM_ISA            scalar
#define PYLSTM_VECTOR         scalar
#define PYLSTM_BLOCKS_AT_ONCE 1
#define PYLSTM_TILE_COLUMNS   1
#define PYLSTM_TILE_VECTORS   4
#define PYLSTM_BYTE_COLUMNS   1
#define PYLSTM_CONV_COLUMNS   1

/* --- parts and lanes -------------------------------------------------------------------------------------------------- */

#if defined(__GNUC__) && !defined(PYLSTM_ONE_LANE)

#define PART_LANES 4
#define VD_LANES   2
typedef float part __attribute__((vector_size(16)));
typedef int32_t part_integers __attribute__((vector_size(16)));
typedef uint32_t part_bits __attribute__((vector_size(16)));
typedef double vd __attribute__((vector_size(16)));

#define PART_OF(x)                 ((part){x, x, x, x})
#define PART_CHOICE(first, a, b)   (part)(((part_integers)(a) & (first)) | ((part_integers)(b) & ~(first)))
#define PART_ROUNDED_TO_ZERO(part) __builtin_convertvector(part, part_integers)
#define VD_LANE(x, k)              (x)[k]

static inline vd vd_set(double x) {
    return (vd){x, x};
}
static inline vd vd_reverse(vd x) {
    return (vd){x[1], x[0]};
}

#else

#define PART_LANES 1
#define VD_LANES   1
typedef float part;
typedef int32_t part_integers;
typedef uint32_t part_bits;
typedef double vd;

#define PART_OF(x)                 (x)
#define PART_CHOICE(first, a, b)   ((first) ? (a) : (b))
#define PART_ROUNDED_TO_ZERO(part) (part_integers)(part)
#define VD_LANE(x, k)              (x)

static inline vd vd_set(double x) {
    return x;
}
static inline vd vd_reverse(vd x) {
    return x;
}

#endif

/* --- 16 floats -------------------------------------------------------------------------------------------------------- */

typedef struct v16 {
    part q[16 / PART_LANES];
} v16;

/* The result of a word, part by part. */
#define EACH(vector, expression)                                                                                               \
    vector result;                                                                                                             \
    for (size_t k = 0; k < sizeof result.q / sizeof *result.q; k++)                                                            \
        result.q[k] = (expression);                                                                                            \
    return result

static inline part part_load(const float *p) {
    part x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline v16 v16_load(const float *p) {
    v16 result;
    memcpy(&result, p, sizeof result);
    return result;
}
static inline void v16_store(float *p, v16 x) {
    memcpy(p, &x, sizeof x);
}
static inline v16 v16_set(float x) {
    EACH(v16, PART_OF(x));
}
static inline v16 v16_add(v16 x, v16 y) {
    EACH(v16, x.q[k] + y.q[k]);
}
static inline v16 v16_sub(v16 x, v16 y) {
    EACH(v16, x.q[k] - y.q[k]);
}
static inline v16 v16_mul(v16 x, v16 y) {
    EACH(v16, x.q[k] * y.q[k]);
}
static inline v16 v16_div(v16 x, v16 y) {
    EACH(v16, x.q[k] / y.q[k]);
}
static inline v16 v16_fma(v16 x, v16 y, v16 z) {
    EACH(v16, x.q[k] * y.q[k] + z.q[k]);
}
static inline v16 v16_min(v16 x, v16 y) {
    EACH(v16, PART_CHOICE(x.q[k] < y.q[k], x.q[k], y.q[k]));
}
static inline v16 v16_max(v16 x, v16 y) {
    EACH(v16, PART_CHOICE(x.q[k] > y.q[k], x.q[k], y.q[k]));
}
/* Adding 1.5 * 2^23 leaves no room for a fraction. */
static inline v16 v16_round(v16 x) {
    const v16 shift = v16_set(12582912.0f);
    return v16_sub(v16_add(x, shift), shift);
}

static inline part_bits bits_of_part(part x) {
    part_bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline part part_of_bits(part_bits bits) {
    part x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline v16 v16_exp2_integer(v16 n) {
    EACH(v16, part_of_bits((part_bits)(PART_ROUNDED_TO_ZERO(n.q[k]) + 127) << 23));
}
static inline v16 v16_sqrt(v16 x) {
    float lanes[16];
    v16_store(lanes, x);
    for (int k = 0; k < 16; k++)
        lanes[k] = sqrtf(lanes[k]);
    return v16_load(lanes);
}
static inline void v16_split(v16 x, v16 *exponent, v16 *m) {
    float exponents[16], fractions[16];
    v16_store(fractions, x);
    for (int k = 0; k < 16; k++) {
        uint32_t bits, octaves;
        memcpy(&bits, &fractions[k], sizeof bits);
        octaves = (bits - PYLSTM_SQRT_HALF_BITS + PYLSTM_ONE_BITS) >> 23; /* 127 too many: nothing negative is shifted */
        bits -= (octaves - 127) << 23;
        memcpy(&fractions[k], &bits, sizeof bits);
        exponents[k] = (float)((int32_t)octaves - 127);
    }
    *exponent = v16_load(exponents);
    *m = v16_load(fractions);
}
static inline v16 v16_low_bfloat16(v16 words) {
    EACH(v16, part_of_bits(bits_of_part(words.q[k]) << 16));
}
static inline v16 v16_high_bfloat16(v16 words) {
    EACH(v16, part_of_bits(bits_of_part(words.q[k]) & 0xffff0000u));
}

/* --- products of bytes ------------------------------------------------------------------------------------------------ */

typedef struct v16i {
    int32_t lane[16];
} v16i;
typedef const signed char *v16q;

static inline v16i v16i_start(const int32_t *offset) {
    v16i result;
    memcpy(result.lane, offset, sizeof result.lane);
    return result;
}
static inline v16q v16q_load(const float *words) {
    return (const signed char *)words;
}
PYLSTM_LARGE v16i v16i_dot(v16i sum, v16q weights, const unsigned char *inputs) {
    for (int k = 0; k < 16; k++) {
        sum.lane[k] += inputs[0] * weights[4 * k] + inputs[1] * weights[4 * k + 1] + inputs[2] * weights[4 * k + 2] +
                       inputs[3] * weights[4 * k + 3];
    }
    return sum;
}
static inline v16 v16i_float(v16i sum) {
    float lanes[16];
    for (int k = 0; k < 16; k++)
        lanes[k] = (float)sum.lane[k];
    return v16_load(lanes);
}

/* --- doubles ---------------------------------------------------------------------------------------------------------- */

static inline vd vd_load(const double *p) {
    vd x;
    memcpy(&x, p, sizeof x);
    return x;
}
static inline void vd_store(double *p, vd x) {
    memcpy(p, &x, sizeof x);
}
static inline vd vd_add(vd x, vd y) {
    return x + y;
}
static inline vd vd_sub(vd x, vd y) {
    return x - y;
}
static inline vd vd_mul(vd x, vd y) {
    return x * y;
}
static inline vd vd_div(vd x, vd y) {
    return x / y;
}
static inline void vd_store_float(float *p, vd x) {
    for (int k = 0; k < VD_LANES; k++)
        p[k] = (float)VD_LANE(x, k);
}
static inline void vd_load_pairs(const float *p, vd *even, vd *odd) {
    for (int k = 0; k < VD_LANES; k++) {
        VD_LANE(*even, k) = p[2 * k];
        VD_LANE(*odd, k) = p[2 * k + 1];
    }
}
static inline void vd_store_fours(double *p, vd a, vd b, vd c, vd d) {
    for (int k = 0; k < VD_LANES; k++, p += 4) {
        p[0] = VD_LANE(a, k);
        p[1] = VD_LANE(b, k);
        p[2] = VD_LANE(c, k);
        p[3] = VD_LANE(d, k);
    }
}
static inline void vd_load_split(const float *p, vd *exponent, vd *m) {
    for (int k = 0; k < VD_LANES; k++) {
        const float x = p[k] > 1e-10f ? p[k] : 1e-10f;
        uint32_t bits, octaves;
        float fraction;
        memcpy(&bits, &x, sizeof bits);
        octaves = (bits - PYLSTM_SQRT_HALF_BITS + PYLSTM_ONE_BITS) >> 23; /* 127 too many: nothing negative is shifted */
        bits -= (octaves - 127) << 23;
        memcpy(&fraction, &bits, sizeof bits);
        VD_LANE(*exponent, k) = (double)((int32_t)octaves - 127);
        VD_LANE(*m, k) = fraction;
    }
}

/* --- 8 floats --------------------------------------------------------------------------------------------------------- */

typedef struct v8 {
    part q[8 / PART_LANES];
} v8;

static inline v8 v8_load(const float *p) {
    EACH(v8, part_load(p + k * PART_LANES));
}
static inline void v8_store(float *p, v8 x) {
    for (size_t k = 0; k < 8 / PART_LANES; k++)
        memcpy(p + k * PART_LANES, &x.q[k], sizeof x.q[k]);
}
static inline v8 v8_set(float x) {
    EACH(v8, PART_OF(x));
}
static inline v8 v8_add(v8 x, v8 y) {
    EACH(v8, x.q[k] + y.q[k]);
}
static inline v8 v8_mul(v8 x, v8 y) {
    EACH(v8, x.q[k] * y.q[k]);
}
static inline v8 v8_min(v8 x, v8 y) {
    EACH(v8, PART_CHOICE(x.q[k] < y.q[k], x.q[k], y.q[k]));
}
static inline float v8_sum(v8 x) {
    float s[4];
    for (size_t k = 0; k < 4 / PART_LANES; k++)
        x.q[k] += x.q[k + 4 / PART_LANES];
    memcpy(s, &x, sizeof s);
    return (s[0] + s[2]) + (s[1] + s[3]);
}

#undef EACH
#endif
