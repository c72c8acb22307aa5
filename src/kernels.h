/* The contract between the layers and the instruction sets: what a kernel is given and what it gives back.
 *
 * Every instruction set supplies one table. The bodies are written once (kernels.inc.h) over a vector of 16 floats, whatever
 * the width of the registers, so packed weights and states mean the same to every table, and all tables but scalar (which has
 * no fused multiply-add) compute the same bits.
 *
 * Order of summation: every output is one accumulator that starts at its bias and runs over the inputs, then over h. One frame,
 * a block of frames or many streams: the same order, hence the same bits.
 *
 * All pointers are to float32, packed weights 64-byte aligned; nothing overlaps unless stated; n may be 0 nowhere.
 */
#ifndef PYLSTM_KERNELS_H
#define PYLSTM_KERNELS_H

#include <stddef.h>

/* Units (rows of a weight matrix) that stand side by side in packed weights; outputs are padded to a multiple of it. */
#define PYLSTM_UNITS 16

/* Gates of an LSTM in the order of their rows: i, f, g, o. */
#define PYLSTM_GATES 4

typedef struct pylstm_lstm_weights {
    /* For each block of 16 units: for each input, then for each element of h: 16 weights of i, of f, of g, of o. Units past
     * hidden_size have weights and bias 0, which keeps their c and h at exactly 0. */
    const float *weights;
    const float *bias; /* for each block: 16 of i, f, g, o; b_ih + b_hh */
    int input_size, hidden_size;
} pylstm_lstm_weights;

typedef struct pylstm_dense_weights {
    const float *weights; /* for each block of 16 outputs: for each input: 16 weights */
    const float *bias;    /* 16 per block */
    int input_size, output_size;
} pylstm_dense_weights;

typedef struct pylstm_kernels {
    const char *isa;

    /* The part of the gates that does not depend on h, for n columns (frames of a stream, of many streams): z[t] = bias + W_ih
     * x[t], 4 * H floats each (H: hidden_size rounded up to 16), laid out as the bias is. x[t]: input_size floats, any
     * alignment. */
    void (*lstm_project)(const pylstm_lstm_weights *layer, const float *const *x, int n, float *const *z);

    /* One step. x: input_size floats, or NULL with z the projection of this frame. h: hidden_size floats. c: H floats, updated
     * in place. h_next: H floats, not h. gates: NULL, or 4 * H floats that receive the activated i, f, g, o, each H long. */
    void (*lstm_step)(const pylstm_lstm_weights *layer, const float *x, const float *z, const float *h, float *c, float *h_next,
                      float *gates);

    /* One step of n streams, the weights read once for several of them: the bits that lstm_step gives each of them. x NULL:
     * z[t] are the projections; else z is not read. */
    void (*lstm_step_many)(const pylstm_lstm_weights *layer, int n, const float *const *x, const float *const *z,
                           const float *const *h, float *const *c, float *const *h_next);

    /* y = W x + b, before the activation. y: output_size rounded up to 16. */
    void (*dense)(const pylstm_dense_weights *layer, const float *x, float *y);
    void (*dense_many)(const pylstm_dense_weights *layer, int n, const float *const *x, float *const *y);

    /* In place, over n values rounded up to a multiple of 16 (the room is there). Errors in ULP of the float32 result, over
     * every float32 input, in docs/accuracy.md. */
    void (*sigmoid)(float *x, int n);
    void (*tanh)(float *x, int n);
    void (*relu)(float *x, int n);

    /* In place, over exactly n values: exp(x - max) / sum. */
    void (*softmax)(float *x, int n);
} pylstm_kernels;

/* The table for an instruction set, or NULL if this build does not contain it. */
const pylstm_kernels *pylstm_kernels_scalar(void);
const pylstm_kernels *pylstm_kernels_avx2(void);
const pylstm_kernels *pylstm_kernels_avx512(void);
const pylstm_kernels *pylstm_kernels_neon(void);

#endif
