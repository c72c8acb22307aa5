/* The kernels of bulk passes, compiled by a bulk_*.c file after a vector vocabulary, once for all sets that share it. */
#ifndef PYLSTM_VECTOR
#error "bulk_kernels.inc.h is included after a vector vocabulary (kernels/vector.h)"
#endif

#include "bulk/bulk_kernels.h"

#include "kernels/gate_functions.inc.h"
#include "kernels/normalisation.inc.h"

#define VECTOR 16

/* --- products --------------------------------------------------------------------------------------------------------- */

/* Terms that are added to all sums before the next ones: what they are read from stays in the first-level cache. */
#define TERMS_AT_ONCE 128

/* y[i] += the sum over k of a[i][k] b[k], for n rows i and n_vectors vectors; n and n_vectors are constants where it is called.
 * a_row and a_term: from one row of a to the next, from one term to the next; one of them is 1. */
PYLSTM_INLINE void tile(int terms, const float *a, size_t a_row, size_t a_term, const float *b, size_t b_term, float *y,
                        size_t y_row, const int n, const int n_vectors) {
    v16 sum[PYLSTM_TILE_COLUMNS][PYLSTM_TILE_VECTORS];
    PYLSTM_UNROLL
    for (int i = 0; i < n; i++) {
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            sum[i][v] = v16_load(y + (size_t)i * y_row + v * VECTOR);
    }
    for (int k = 0; k < terms; k++, a += a_term, b += b_term) {
        v16 vector[PYLSTM_TILE_VECTORS];
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            vector[v] = v16_load(b + v * VECTOR);
        PYLSTM_UNROLL
        for (int i = 0; i < n; i++) {
            const v16 value = v16_set(a[(size_t)i * a_row]);
            PYLSTM_UNROLL
            for (int v = 0; v < n_vectors; v++)
                sum[i][v] = v16_fma(vector[v], value, sum[i][v]);
        }
    }
    PYLSTM_UNROLL
    for (int i = 0; i < n; i++) {
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            v16_store(y + (size_t)i * y_row + v * VECTOR, sum[i][v]);
    }
}

/* All rows, as many at a time as there are registers for; n_vectors is a constant. */
PYLSTM_INLINE void tiles(int terms, const float *a, size_t a_row, size_t a_term, const float *b, size_t b_term, float *y,
                         size_t y_row, int rows, const int n_vectors) {
    int i = 0;
    for (; i + PYLSTM_TILE_COLUMNS <= rows; i += PYLSTM_TILE_COLUMNS)
        tile(terms, a + (size_t)i * a_row, a_row, a_term, b, b_term, y + (size_t)i * y_row, y_row, PYLSTM_TILE_COLUMNS,
             n_vectors);
#if PYLSTM_TILE_COLUMNS > 4
    for (; i + 4 <= rows; i += 4)
        tile(terms, a + (size_t)i * a_row, a_row, a_term, b, b_term, y + (size_t)i * y_row, y_row, 4, n_vectors);
#endif
#if PYLSTM_TILE_COLUMNS > 2
    for (; i + 2 <= rows; i += 2)
        tile(terms, a + (size_t)i * a_row, a_row, a_term, b, b_term, y + (size_t)i * y_row, y_row, 2, n_vectors);
#endif
    for (; i < rows; i++)
        tile(terms, a + (size_t)i * a_row, a_row, a_term, b, b_term, y + (size_t)i * y_row, y_row, 1, n_vectors);
}

static void product(const float *packed, int inputs, int outputs, int rows, const float *x, size_t x_stride, float *y,
                    size_t y_stride) {
    for (int first = 0; first < outputs; first += PYLSTM_PANEL) {
        const int width = outputs - first < PYLSTM_PANEL ? outputs - first : PYLSTM_PANEL;
        for (int k = 0; k < inputs; k += TERMS_AT_ONCE) {
            const int some = inputs - k < TERMS_AT_ONCE ? inputs - k : TERMS_AT_ONCE;
            const float *w = packed + (size_t)k * (size_t)width;
            int v = 0;
            for (; v + PYLSTM_TILE_VECTORS <= width / VECTOR; v += PYLSTM_TILE_VECTORS)
                tiles(some, x + k, x_stride, 1, w + v * VECTOR, (size_t)width, y + first + v * VECTOR, y_stride, rows,
                      PYLSTM_TILE_VECTORS);
            for (; v < width / VECTOR; v++)
                tiles(some, x + k, x_stride, 1, w + v * VECTOR, (size_t)width, y + first + v * VECTOR, y_stride, rows, 1);
        }
        packed += (size_t)inputs * (size_t)width;
    }
}

static void outer(int rows, const float *a, size_t a_stride, int a_width, const float *b, size_t b_stride, int b_width,
                  float *y, size_t y_stride) {
    for (int k = 0; k < rows; k += TERMS_AT_ONCE) {
        const int some = rows - k < TERMS_AT_ONCE ? rows - k : TERMS_AT_ONCE;
        const float *some_a = a + (size_t)k * a_stride, *some_b = b + (size_t)k * b_stride;
        int j = 0;
        for (; j + PYLSTM_TILE_VECTORS * VECTOR <= b_width; j += PYLSTM_TILE_VECTORS * VECTOR)
            tiles(some, some_a, 1, a_stride, some_b + j, b_stride, y + j, y_stride, a_width, PYLSTM_TILE_VECTORS);
        for (; j < b_width; j += VECTOR)
            tiles(some, some_a, 1, a_stride, some_b + j, b_stride, y + j, y_stride, a_width, 1);
    }
}

/* --- derivatives ------------------------------------------------------------------------------------------------------ */

/* d * s (1 - s): through a sigmoid whose value is s. */
PYLSTM_INLINE v16 through_sigmoid(v16 d, v16 s) {
    return v16_mul(d, v16_mul(s, v16_sub(v16_set(1.0f), s)));
}

/* d * (1 - y^2): through a tanh whose value is y. */
PYLSTM_INLINE v16 through_tanh(v16 d, v16 y) {
    return v16_mul(d, v16_sub(v16_set(1.0f), v16_mul(y, y)));
}

/* Through tanh or max(., 0), whose value is y. */
PYLSTM_INLINE v16 through_activation(v16 d, v16 y, const int relu) {
    /* 1 above 0, else 0: even the smallest normal float times 3e38 is more than 1. */
    const v16 passes = v16_min(v16_mul(y, v16_set(3e38f)), v16_set(1.0f));
    return relu ? v16_mul(d, passes) : through_tanh(d, y);
}

PYLSTM_INLINE v16 activation(v16 sum, const int relu) {
    return relu ? v16_max(sum, v16_set(0.0f)) : v16_tanh(sum);
}

/* 1 where low < x < high, else 0: even the distance of two neighbouring floats times 3e38 is more than 1. */
PYLSTM_INLINE v16 between(v16 x, v16 low, v16 high) {
    const v16 none = v16_set(0.0f), all = v16_set(1.0f), far = v16_set(3e38f);
    const v16 above = v16_max(v16_min(v16_mul(v16_sub(x, low), far), all), none);
    return v16_mul(above, v16_max(v16_min(v16_mul(v16_sub(high, x), far), all), none));
}

/* A gate: a sigmoid, or, unless the slope is 0, a hard one. */
PYLSTM_INLINE v16 gate_of(v16 sum, const float slope) {
    return slope > 0.0f ? v16_hard_sigmoid(sum, slope) : v16_sigmoid(sum);
}

/* Through a gate whose value is s. */
PYLSTM_INLINE v16 through_gate(v16 d, v16 s, const float slope) {
    return slope > 0.0f ? v16_mul(v16_mul(d, v16_set(slope)), between(s, v16_set(0.0f), v16_set(1.0f))) : through_sigmoid(d, s);
}

PYLSTM_INLINE void put_gradient(float *gate, float *d_bias, v16 gradient) {
    v16_store(gate, gradient);
    v16_store(d_bias, v16_add(v16_load(d_bias), gradient));
}

/* --- LSTM: c' = f c + i g, h' = o tanh(c') ---------------------------------------------------------------------------- */

static void lstm_forward(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h, float *c) {
    for (int r = 0; r < rows; r++, gates += gate_stride, h += units, c += units) {
        float *i_row = gates, *f_row = gates + units, *g_row = gates + 2 * units, *o_row = gates + 3 * units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 i = v16_sigmoid(v16_add(v16_load(i_row + u), v16_load(bias + u)));
            const v16 f = v16_sigmoid(v16_add(v16_load(f_row + u), v16_load(bias + units + u)));
            const v16 g = v16_tanh(v16_add(v16_load(g_row + u), v16_load(bias + 2 * units + u)));
            const v16 o = v16_sigmoid(v16_add(v16_load(o_row + u), v16_load(bias + 3 * units + u)));
            const v16 cell = v16_fma(f, v16_load(c + u), v16_mul(i, g));
            v16_store(i_row + u, i);
            v16_store(f_row + u, f);
            v16_store(g_row + u, g);
            v16_store(o_row + u, o);
            v16_store(c + u, cell);
            v16_store(h + u, v16_mul(o, v16_tanh(cell)));
        }
    }
}

/* c' and tanh(c') are computed again: that is cheaper than keeping them for every frame. */
static void lstm_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before, const float *c_before,
                          float *dh, float *dc, float *d_bias) {
    (void)h_before;
    for (int r = 0; r < rows; r++, gates += gate_stride, c_before += units, dh += units, dc += units) {
        float *i_row = gates, *f_row = gates + units, *g_row = gates + 2 * units, *o_row = gates + 3 * units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 i = v16_load(i_row + u), f = v16_load(f_row + u), g = v16_load(g_row + u), o = v16_load(o_row + u);
            const v16 before = v16_load(c_before + u), d_hidden = v16_load(dh + u);
            const v16 shown = v16_tanh(v16_fma(f, before, v16_mul(i, g)));
            const v16 d_cell = v16_add(v16_load(dc + u), through_tanh(v16_mul(d_hidden, o), shown));
            put_gradient(i_row + u, d_bias + u, through_sigmoid(v16_mul(d_cell, g), i));
            put_gradient(f_row + u, d_bias + units + u, through_sigmoid(v16_mul(d_cell, before), f));
            put_gradient(g_row + u, d_bias + 2 * units + u, through_tanh(v16_mul(d_cell, i), g));
            put_gradient(o_row + u, d_bias + 3 * units + u, through_sigmoid(v16_mul(d_hidden, shown), o));
            v16_store(dc + u, v16_mul(d_cell, f));
            v16_store(dh + u, v16_set(0.0f));
        }
    }
}

#include "bulk/lstm_with_options.inc.h"

/* --- GRU: n = a(x_n + r m), h' = (1 - z) n + z h ---------------------------------------------------------------------- */

PYLSTM_INLINE void gru_forward(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h,
                               const int relu, const float slope) {
    for (int row = 0; row < rows; row++, gates += gate_stride, h += units) {
        float *n_row = gates, *r_row = gates + units, *z_row = gates + 2 * units, *m_row = gates + 3 * units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 r = gate_of(v16_add(v16_load(r_row + u), v16_load(bias + units + u)), slope);
            const v16 z = gate_of(v16_add(v16_load(z_row + u), v16_load(bias + 2 * units + u)), slope);
            const v16 m = v16_add(v16_load(m_row + u), v16_load(bias + 3 * units + u));
            const v16 n = activation(v16_fma(r, m, v16_add(v16_load(n_row + u), v16_load(bias + u))), relu);
            v16_store(n_row + u, n);
            v16_store(r_row + u, r);
            v16_store(z_row + u, z);
            v16_store(m_row + u, m);
            v16_store(h + u, v16_fma(z, v16_sub(v16_load(h + u), n), n));
        }
    }
}

PYLSTM_INLINE void gru_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before, float *dh,
                                float *d_bias, const int relu, const float slope) {
    for (int row = 0; row < rows; row++, gates += gate_stride, h_before += units, dh += units) {
        float *n_row = gates, *r_row = gates + units, *z_row = gates + 2 * units, *m_row = gates + 3 * units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 n = v16_load(n_row + u), r = v16_load(r_row + u), z = v16_load(z_row + u), m = v16_load(m_row + u);
            const v16 d_hidden = v16_load(dh + u);
            const v16 d_n = through_activation(v16_mul(d_hidden, v16_sub(v16_set(1.0f), z)), n, relu);
            put_gradient(n_row + u, d_bias + u, d_n);
            put_gradient(r_row + u, d_bias + units + u, through_gate(v16_mul(d_n, m), r, slope));
            put_gradient(z_row + u, d_bias + 2 * units + u,
                         through_gate(v16_mul(d_hidden, v16_sub(v16_load(h_before + u), n)), z, slope));
            put_gradient(m_row + u, d_bias + 3 * units + u, v16_mul(d_n, r));
            v16_store(dh + u, v16_mul(d_hidden, z));
        }
    }
}

/* --- GRU with the reset before the product: n = a(x_n + W_hn (r h)) ---------------------------------------------------- */

PYLSTM_INLINE void gru_before_reset(int units, int rows, float *gates, size_t gate_stride, const float *bias, const float *h,
                                    float *reset, const float slope) {
    for (int row = 0; row < rows; row++, gates += gate_stride, h += units, reset += units) {
        float *r_row = gates + units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 r = gate_of(v16_add(v16_load(r_row + u), v16_load(bias + units + u)), slope);
            v16_store(r_row + u, r);
            v16_store(reset + u, v16_mul(r, v16_load(h + u)));
        }
    }
}

PYLSTM_INLINE void gru_before_reset_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before,
                                             const float *d_reset, float *dh, float *d_bias, const float slope) {
    for (int row = 0; row < rows; row++, gates += gate_stride, h_before += units, d_reset += units, dh += units) {
        float *r_row = gates + units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 r = v16_load(r_row + u), d = v16_load(d_reset + u);
            v16_store(dh + u, v16_fma(d, r, v16_load(dh + u)));
            put_gradient(r_row + u, d_bias + units + u, through_gate(v16_mul(d, v16_load(h_before + u)), r, slope));
        }
    }
}

PYLSTM_INLINE void gru_before_forward(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h,
                                      const int relu, const float slope) {
    for (int row = 0; row < rows; row++, gates += gate_stride, h += units) {
        float *n_row = gates, *z_row = gates + 2 * units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 z = gate_of(v16_add(v16_load(z_row + u), v16_load(bias + 2 * units + u)), slope);
            const v16 n = activation(v16_add(v16_load(n_row + u), v16_load(bias + u)), relu);
            v16_store(n_row + u, n);
            v16_store(z_row + u, z);
            v16_store(h + u, v16_fma(z, v16_sub(v16_load(h + u), n), n));
        }
    }
}

PYLSTM_INLINE void gru_before_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before, float *dh,
                                       float *d_bias, const int relu, const float slope) {
    for (int row = 0; row < rows; row++, gates += gate_stride, h_before += units, dh += units) {
        float *n_row = gates, *z_row = gates + 2 * units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 n = v16_load(n_row + u), z = v16_load(z_row + u), d_hidden = v16_load(dh + u);
            put_gradient(n_row + u, d_bias + u, through_activation(v16_mul(d_hidden, v16_sub(v16_set(1.0f), z)), n, relu));
            put_gradient(z_row + u, d_bias + 2 * units + u,
                         through_gate(v16_mul(d_hidden, v16_sub(v16_load(h_before + u), n)), z, slope));
            v16_store(dh + u, v16_mul(d_hidden, z));
        }
    }
}

/* The functions of a GRU of that name, with that body and activation. */
#define GRU_FUNCTIONS(name, body, relu)                                                                                        \
    static void name##_forward(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h, float *c) { \
        (void)c;                                                                                                               \
        body##_forward(units, rows, gates, gate_stride, bias, h, relu, 0.0f);                                                  \
    }                                                                                                                          \
    static void name##_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before,                  \
                                const float *c_before, float *dh, float *dc, float *d_bias) {                                  \
        (void)c_before, (void)dc;                                                                                              \
        body##_backward(units, rows, gates, gate_stride, h_before, dh, d_bias, relu, 0.0f);                                    \
    }
GRU_FUNCTIONS(gru_after_tanh, gru, 0)
GRU_FUNCTIONS(gru_after_relu, gru, 1)
GRU_FUNCTIONS(gru_before_tanh, gru_before, 0)
GRU_FUNCTIONS(gru_before_relu, gru_before, 1)

static void gru_reset(int units, int rows, float *gates, size_t gate_stride, const float *bias, const float *h, float *reset) {
    gru_before_reset(units, rows, gates, gate_stride, bias, h, reset, 0.0f);
}

static void gru_reset_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before,
                               const float *d_reset, float *dh, float *d_bias) {
    gru_before_reset_backward(units, rows, gates, gate_stride, h_before, d_reset, dh, d_bias, 0.0f);
}

#include "bulk/gru_with_options.inc.h"

/* --- RNN: h' = tanh(sum) or max(sum, 0) ------------------------------------------------------------------------------- */

PYLSTM_INLINE void rnn_forward(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h,
                               const int relu) {
    for (int r = 0; r < rows; r++, gates += gate_stride, h += units) {
        for (int u = 0; u < units; u += VECTOR) {
            const v16 sum = v16_add(v16_load(gates + u), v16_load(bias + u));
            const v16 value = activation(sum, relu);
            v16_store(gates + u, value);
            v16_store(h + u, value);
        }
    }
}

PYLSTM_INLINE void rnn_backward(int units, int rows, float *gates, size_t gate_stride, float *dh, float *d_bias,
                                const int relu) {
    for (int r = 0; r < rows; r++, gates += gate_stride, dh += units) {
        for (int u = 0; u < units; u += VECTOR) {
            put_gradient(gates + u, d_bias + u, through_activation(v16_load(dh + u), v16_load(gates + u), relu));
            v16_store(dh + u, v16_set(0.0f));
        }
    }
}

static void rnn_tanh_forward(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h, float *c) {
    (void)c;
    rnn_forward(units, rows, gates, gate_stride, bias, h, 0);
}
static void rnn_relu_forward(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h, float *c) {
    (void)c;
    rnn_forward(units, rows, gates, gate_stride, bias, h, 1);
}
static void rnn_tanh_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before,
                              const float *c_before, float *dh, float *dc, float *d_bias) {
    (void)h_before, (void)c_before, (void)dc;
    rnn_backward(units, rows, gates, gate_stride, dh, d_bias, 0);
}
static void rnn_relu_backward(int units, int rows, float *gates, size_t gate_stride, const float *h_before,
                              const float *c_before, float *dh, float *dc, float *d_bias) {
    (void)h_before, (void)c_before, (void)dc;
    rnn_backward(units, rows, gates, gate_stride, dh, d_bias, 1);
}

const pylstm_bulk_kernels PYLSTM_JOIN(pylstm_bulk_kernels_, PYLSTM_VECTOR) = {
    .product = product,
    .outer = outer,
    .lstm = {.forward = lstm_forward, .backward = lstm_backward},
    .lstm_with_options = {.normalise = lstm_normalise,
                          .forward = lstm_options_forward,
                          .backward = lstm_options_backward,
                          .normalise_backward = lstm_normalise_backward},
    .gru_after_tanh = {.forward = gru_after_tanh_forward, .backward = gru_after_tanh_backward},
    .gru_after_relu = {.forward = gru_after_relu_forward, .backward = gru_after_relu_backward},
    .gru_before_tanh = {.forward = gru_before_tanh_forward, .backward = gru_before_tanh_backward},
    .gru_before_relu = {.forward = gru_before_relu_forward, .backward = gru_before_relu_backward},
    .gru_with_options = {.forward = gru_options_forward,
                         .backward = gru_options_backward,
                         .reset = gru_options_reset,
                         .reset_backward = gru_options_reset_backward},
    .gru_reset = gru_reset,
    .gru_reset_backward = gru_reset_backward,
    .rnn_tanh = {.forward = rnn_tanh_forward, .backward = rnn_tanh_backward},
    .rnn_relu = {.forward = rnn_relu_forward, .backward = rnn_relu_backward},
};
