/* The contract between the layers and the instruction sets: what a kernel is given and what it gives back.
 *
 * Every instruction set supplies one table. The bodies are written once (kernels.inc.h) over a vector of 16 floats, whatever
 * the width of the registers, so packed weights and states mean the same to every table, and all tables but scalar (which has
 * no fused multiply-add) compute the same bits, in each precision of weights.
 *
 * Order of summation: every output is one accumulator that starts at its bias and runs over the inputs, then over h. One frame,
 * a block of frames or many streams: the same order, hence the same bits.
 *
 * All pointers are to float32, packed weights 64-byte aligned; nothing overlaps unless stated; n may be 0 nowhere.
 */
#ifndef PYLSTM_KERNELS_KERNELS_H
#define PYLSTM_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Units (rows of a weight matrix) that stand side by side in packed weights; outputs are padded to a multiple of it. */
#define PYLSTM_UNITS 16

/* Gates of an LSTM in the order of their rows: i, f, g, o. */
#define PYLSTM_GATES 4

/* How weights are kept. Biases, states and sums are float32 in all of them. */
enum {
    PYLSTM_WEIGHTS_FLOAT32,
    PYLSTM_WEIGHTS_BFLOAT16, /* the upper half of a float32; inputs are rounded to it on the fly */
    PYLSTM_WEIGHTS_INT8      /* a byte and a scale for each row of the matrix; inputs become bytes on the fly */
};

/* In a build with PYLSTM_FLOAT_ONLY there is but one, which compilers know: they leave out what is for the others. */
#ifdef PYLSTM_FLOAT_ONLY
#define PYLSTM_PRECISION(layer) PYLSTM_WEIGHTS_FLOAT32
#else
#define PYLSTM_PRECISION(layer) ((layer)->precision)
#endif

/* Packed weights are rows of 32-bit words, 16 words (one for each unit of a block) side by side for each gate. A word is one
 * weight (float32), those of two inputs that follow each other (bfloat16, the first in the upper half) or of four (int8, the
 * first in the low byte). What is missing to fill a word, and units past the last one, have weights and bias 0: that keeps
 * their c and h at exactly 0. */

typedef struct pylstm_lstm_weights {
    int precision;
    int input_size, hidden_size;
    const float *weights; /* for each block of 16 units: rows for the inputs, then rows for h; a row: i, f, g, o */
    const float *bias;    /* for each block: 16 of i, f, g, o; b_ih + b_hh */
    /* int8 only, laid out as the bias: what a step of a weight is worth, and -128 times the sum of a row's weights. */
    const float *scale_x, *scale_h;
    const int32_t *offset_x, *offset_h;
} pylstm_lstm_weights;

typedef struct pylstm_dense_weights {
    int precision;
    int input_size, output_size;
    const float *weights; /* for each block of 16 outputs: rows for the inputs */
    const float *bias;
    const float *scale; /* int8 only, as above */
    const int32_t *offset;
} pylstm_dense_weights;

/* Columns (frames, streams) that a call takes at most. */
#define PYLSTM_MAX_COLUMNS 72

/* Bytes that n inputs take at most once they are rounded to the precision of the weights. */
static inline size_t pylstm_column_room(int n) {
    return ((size_t)n + 15) / 16 * 32;
}

typedef struct pylstm_kernels {
    const char *isa;

    /* room, in all of them: with int8 weights bytes for as many columns as the call has, pylstm_column_room of the inputs and
     * of h each; else NULL. */

    /* The part of the gates that does not depend on h, for n columns: z[t] = bias + W_ih x[t], 4 * H floats each (H:
     * hidden_size rounded up to 16), laid out as the bias is. x[t]: input_size floats, any alignment. */
    void (*lstm_project)(const pylstm_lstm_weights *layer, const float *const *x, int n, float *const *z, unsigned char *room);

    /* One step. x: input_size floats, or NULL with z the projection of this frame. h: hidden_size floats. c: H floats, updated
     * in place. h_next: H floats, not h. gates: NULL, or 4 * H floats that receive the activated i, f, g, o, each H long. */
    void (*lstm_step)(const pylstm_lstm_weights *layer, const float *x, const float *z, const float *h, float *c, float *h_next,
                      float *gates, unsigned char *room);

    /* One step of n streams, the weights read once for several of them: the bits that lstm_step gives each of them. x NULL:
     * z[t] are the projections; else z is not read. */
    void (*lstm_step_many)(const pylstm_lstm_weights *layer, int n, const float *const *x, const float *const *z,
                           const float *const *h, float *const *c, float *const *h_next, unsigned char *room);

    /* y[t] = W x[t] + b for n columns, before the activation, bounded by the largest float. y[t]: output_size rounded up to
     * 16. */
    void (*dense)(const pylstm_dense_weights *layer, const float *const *x, int n, float *const *y, unsigned char *room);

    /* In place, over n values rounded up to a multiple of 16 (the room is there). Errors in ULP of the float32 result
     * in docs/accuracy.md. */
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
const pylstm_kernels *pylstm_kernels_avx512vnni(void);
const pylstm_kernels *pylstm_kernels_avx512bf16(void);
const pylstm_kernels *pylstm_kernels_neon(void);

#endif
