/* The contract between what computes (layers, features) and the instruction sets: what a kernel is given and what it gives
 * back. Each family of kernels has a header with its table (lstm_kernels.h) and its bodies in a file beside it (lstm.inc.h).
 * This header ties them together and says what holds for all kernels of layers.
 *
 * Every instruction set supplies one pylstm_kernels. The bodies are written once over a vector of 16 floats (vector.h),
 * whatever the width of the registers, so packed weights and states mean the same to every set, and all sets but scalar (which
 * has no fused multiply-add) compute the same bits, in each precision of weights.
 *
 * Order of summation: every output is one accumulator that starts at its bias and runs over the inputs, then over h. One frame,
 * a block of frames or many streams: the same order, hence the same bits.
 *
 * All pointers are to float32, packed weights 64-byte aligned; nothing overlaps unless stated; no count is 0. room, where a
 * kernel takes it: with int8 and bfloat16 weights bytes for as many columns as the call has, pylstm_column_room of the inputs
 * and of h each; else NULL.
 */
#ifndef PYLSTM_KERNELS_KERNELS_H
#define PYLSTM_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Units (rows of a weight matrix) that stand side by side in packed weights; outputs are padded to a multiple of it. */
#define PYLSTM_UNITS 16

/* How weights are kept. Biases, states and sums are float32 in all of them. */
enum {
    PYLSTM_WEIGHTS_FLOAT32,
    PYLSTM_WEIGHTS_BFLOAT16, /* the upper half of a float32; inputs are rounded to it on the fly */
    PYLSTM_WEIGHTS_INT8      /* a byte and a scale for each row of the matrix; inputs become bytes on the fly */
};

/* Builds may leave out int8 (PYLSTM_NO_INT8), bfloat16 (PYLSTM_NO_BFLOAT16) or both (PYLSTM_FLOAT_ONLY). Asking for the
 * precision of a layer by this macro lets compilers drop the code for what is never there. */
#if defined(PYLSTM_FLOAT_ONLY) || (defined(PYLSTM_NO_INT8) && defined(PYLSTM_NO_BFLOAT16))
#define PYLSTM_PRECISION(layer) PYLSTM_WEIGHTS_FLOAT32
#elif defined(PYLSTM_NO_INT8)
#define PYLSTM_PRECISION(layer) ((layer)->precision ? PYLSTM_WEIGHTS_BFLOAT16 : PYLSTM_WEIGHTS_FLOAT32)
#elif defined(PYLSTM_NO_BFLOAT16)
#define PYLSTM_PRECISION(layer) ((layer)->precision ? PYLSTM_WEIGHTS_INT8 : PYLSTM_WEIGHTS_FLOAT32)
#else
#define PYLSTM_PRECISION(layer) ((layer)->precision)
#endif

/* Packed weights are rows of 32-bit words, 16 words (one for each unit of a block) side by side for each gate. A word is one
 * weight (float32), those of two inputs that follow each other (bfloat16, the first in the upper half) or of four (int8, the
 * first in the low byte). Weights that only fill up a word, and units past the last one, have weights and bias 0, which keeps
 * their c and h at exactly 0. */

/* Columns (frames, streams) that a call takes at most. */
#define PYLSTM_MAX_COLUMNS 72

/* The most bytes that n inputs can take once they are rounded to the precision of the weights. */
static inline size_t pylstm_column_room(int n) {
    return ((size_t)n + 15) / 16 * 32;
}

/* The kernels of one instruction set: a table a family. */
typedef struct pylstm_kernels {
    const char *isa; /* its name (instruction_sets.h) */
    const struct pylstm_lstm_kernels *lstm;
    const struct pylstm_lstm_options_kernels *lstm_options;
    const struct pylstm_recurrent_kernels *gru, *rnn;
    const struct pylstm_dense_kernels *dense;
    const struct pylstm_conv_kernels *conv;
    const struct pylstm_activation_kernels *activation;
    const struct pylstm_elementwise_kernels *elementwise;
    const struct pylstm_norm_kernels *norm;
    const struct pylstm_feature_kernels *feature;
} pylstm_kernels;

#endif
