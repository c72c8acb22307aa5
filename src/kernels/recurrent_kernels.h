/* The kernels of cells that remember h alone: GRU and plain RNN. kernels.h says what holds for all kernels. */
#ifndef PYLSTM_KERNELS_RECURRENT_KERNELS_H
#define PYLSTM_KERNELS_RECURRENT_KERNELS_H

#include "kernels/kernels.h"

/* Gates in the order of their rows: r, z, n. */
#define PYLSTM_GRU_GATES 3

/* A packed matrix of a cell: for each block of 16 units rows for the inputs, in each row the gates side by side. */
typedef struct pylstm_cell_matrix {
    const float *weights;
    size_t block_words; /* from one block to the next */
    /* int8 only, 16 for each gate of each block: the value of one step of a weight, and -128 times the sum of a row's weights.
     */
    const float *scale;
    const int32_t *offset;
} pylstm_cell_matrix;

/* GRU: what becomes of the sums of r and z. With hard gates, min(max(gate_slope sum + 1/2, 0), 1); else their sigmoids, and
 * then r acts before the product W_hn h, or after it. */
enum { PYLSTM_GRU_BEFORE, PYLSTM_GRU_AFTER, PYLSTM_GRU_HARD };

typedef struct pylstm_recurrent_weights {
    int precision;
    int input_size, hidden_size;
    int relu;        /* h' of an RNN, n of a GRU: max(sum, 0) instead of tanh(sum) */
    int reset_after; /* GRU: r acts on the product W_hn h, not on what goes into it */
    int form;        /* GRU: PYLSTM_GRU_BEFORE, PYLSTM_GRU_AFTER or, with hard gates, PYLSTM_GRU_HARD */
    float gate_slope;
    /* All gates of x, and of h. With a GRU's reset before the product, h has r and z, and candidate has n. */
    pylstm_cell_matrix x, h, candidate;
    const float *bias;           /* for each block: 16 of each gate: b_ih + b_hh, but for n with reset_after: b_in */
    const float *bias_candidate; /* with reset_after: b_hn */
} pylstm_recurrent_weights;

/* What a step tells of its gates, and where it keeps them meanwhile: places of H floats each (H: hidden_size rounded up to 16).
 * The last is what the candidate gets from h: W_hn h + b_hn, or r * h. */
enum { PYLSTM_GRU_R, PYLSTM_GRU_Z, PYLSTM_GRU_N, PYLSTM_GRU_FROM_H, PYLSTM_GRU_PLACES };

typedef struct pylstm_recurrent_kernels {
    /* The part of the gates that does not depend on h, for n columns: z[t] = bias + W_ih x[t], H floats a gate, laid out as the
     * bias is. x[t]: input_size floats, any alignment. */
    void (*project)(const pylstm_recurrent_weights *layer, const float *const *x, int n, float *const *z, unsigned char *room);

    /* One step. x: input_size floats, or NULL with z the projection of this frame. h: hidden_size floats. h_next: H floats, not
     * h. gates: NULL, or PYLSTM_GRU_PLACES * H floats; they are needed where r acts before the product. An RNN leaves them. */
    void (*step)(const pylstm_recurrent_weights *layer, const float *x, const float *z, const float *h, float *h_next,
                 float *gates, unsigned char *room);

    /* One step of n streams, the weights read once for several of them: the bits that step gives each of them. x NULL: z[t]
     * are the projections; else z is not read. gates: for each stream as in step, or NULL where they are not needed. */
    void (*step_many)(const pylstm_recurrent_weights *layer, int n, const float *const *x, const float *const *z,
                      const float *const *h, float *const *h_next, float *const *gates, unsigned char *room);
} pylstm_recurrent_kernels;

#endif
