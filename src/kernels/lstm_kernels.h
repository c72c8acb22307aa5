/* The kernels of LSTM cells. kernels.h says what holds for all kernels. */
#ifndef PYLSTM_KERNELS_LSTM_KERNELS_H
#define PYLSTM_KERNELS_LSTM_KERNELS_H

#include "kernels/kernels.h"

/* Gates in the order of their rows: i, f, g, o. */
#define PYLSTM_GATES 4

typedef struct pylstm_lstm_weights {
    int precision;
    int input_size, hidden_size;
    int h_size;      /* width of h: hidden_size, or what a projection leaves */
    float h_largest; /* int8 only: the magnitude of h that becomes 127; 0: the largest in each h */
    int n_blocks;
    const float *weights; /* for each block of 16 units: rows for the inputs, then rows for h; a row: i, f, g, o */
    const float *bias;    /* for each block: 16 of i, f, g, o; b_ih + b_hh */
    /* int8 only, laid out as the bias: the value of one step of a weight, and -128 times the sum of a row's weights. */
    const float *scale_x, *scale_h;
    const int32_t *offset_x, *offset_h;
} pylstm_lstm_weights;

typedef struct pylstm_lstm_kernels {
    /* The part of the gates that does not depend on h, for n columns: z[t] = bias + W_ih x[t], 4 * H floats each (H:
     * hidden_size rounded up to 16), laid out as the bias is. x[t]: input_size floats, any alignment. */
    void (*project)(const pylstm_lstm_weights *layer, const float *const *x, int n, float *const *z, unsigned char *room);

    /* One of the two parts of the sums, for cells that are not PyTorch's: with x, sums[t] = bias + W_ih x[t]; with h, sums[t] =
     * start[t] + W_hh h[t], where start[t] may be sums[t]. The other one is NULL. A block then is any four vectors of 16 sums.
     */
    void (*sums)(const pylstm_lstm_weights *layer, int n, const float *const *x, const float *const *start,
                 const float *const *h, float *const *sums, unsigned char *room);

    /* One step. x: input_size floats, or NULL with z the projection of this frame. h: h_size floats. c: H floats, updated
     * in place. h_next: H floats, not h. gates: NULL, or 4 * H floats that receive the activated i, f, g, o, each H long. */
    void (*step)(const pylstm_lstm_weights *layer, const float *x, const float *z, const float *h, float *c, float *h_next,
                 float *gates, unsigned char *room);

    /* One step of n streams, the weights read once for several of them: the bits that step gives each of them. x NULL: z[t]
     * are the projections; else z is not read. */
    void (*step_many)(const pylstm_lstm_weights *layer, int n, const float *const *x, const float *const *z,
                      const float *const *h, float *const *c, float *const *h_next, unsigned char *room);
} pylstm_lstm_kernels;

#endif
