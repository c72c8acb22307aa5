/* The contract between bulk passes (whole sequences, batches, gradients) and the instruction sets.
 *
 * A pass runs over rows: one row is one frame of one sequence, and the rows of one step of all sequences lie behind each other.
 * Every gate of a row has its hidden units side by side, padded to a multiple of 16 (`units`). Padding units have weights and
 * biases 0, and their gradients are not read. The bodies are written once (bulk_kernels.inc.h); sums run over the inputs in
 * their order in every instruction set.
 *
 * All pointers are to float32, of any alignment; strides are in floats; nothing overlaps unless stated; no count is 0.
 */
#ifndef PYLSTM_BULK_BULK_KERNELS_H
#define PYLSTM_BULK_BULK_KERNELS_H

#include <stddef.h>

#include "kernels/instruction_sets.h"

/* Outputs of a packed matrix that stand side by side; its last panel may be narrower, by whole vectors of 16. */
#define PYLSTM_PANEL 64

/* The gates of a row, for each kind of cell, in the order in which they stand:
 *
 * LSTM  i f g o    with coupled gates: i g o
 * GRU   n r z m    m: what the reset gate lets through, W_hn h + b_hn; there is none with the reset before the product
 * RNN   h
 *
 * `forward` takes sums without biases (`gates`, stride gate_stride) and leaves activated gates in their place (of m the sum
 * with its bias). h and c, `units` a row, are updated in place; c is the LSTM's alone, and NULL elsewhere.
 *
 * `backward` takes what forward left, the state before the step, and dh, the gradient of the loss with respect to h after
 * the step; it leaves the gradients of the sums in place of the gates (of m in its place), the part of the gradient of the h
 * before the step that does not go through the sums in place of dh, the gradient of the c before the step in place of dc, and
 * adds the gradients of the sums to d_bias. */
typedef struct pylstm_bulk_cell {
    void (*forward)(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h, float *c);
    void (*backward)(int units, int rows, float *gates, size_t gate_stride, const float *h_before, const float *c_before,
                     float *dh, float *dc, float *d_bias);
} pylstm_bulk_cell;

/* What an LSTM has beside torch.nn.LSTM (kernels/lstm_options_kernels.h says what each does). Vectors: `units` for each gate.
 */
typedef struct pylstm_bulk_lstm_options {
    int hidden_size, coupled;
    float gate_clip, cell_clip;     /* FLT_MAX: no limit */
    float gate_slope;               /* of hard gates; 0: sigmoids */
    const float *peepholes;         /* of i, f, o (of f 0 with coupled gates); NULL: there are none */
    const float *gain_ih, *gain_hh; /* NULL: nothing is normalised */
    const float *gain_c, *bias_c;
} pylstm_bulk_lstm_options;

typedef struct pylstm_bulk_lstm_with_options {
    /* Sums from the two parts of each row, in place of the first one: gain_ih * normalised(x_part) + gain_hh *
     * normalised(h_part). The second one has a stride of as many floats as its gates have. */
    void (*normalise)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                      const float *h_part);

    /* As in pylstm_bulk_cell. */
    void (*forward)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                    const float *bias, float *h, float *c);

    /* As in pylstm_bulk_cell. `sums`: gradients of the biases, behind them those of the peepholes of i, f, o, gain_ih, gain_hh,
     * gain_c and bias_c, which are added to. room: 2 * units floats. */
    void (*backward)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                     const float *c_before, float *dh, float *dc, float *sums, float *room);

    /* From the gradients of the sums to those of the two parts: in place of the sums' and in place of h_part, which like x_part
     * comes as `normalise` took it. sums: as above. */
    void (*normalise_backward)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                               const float *x_part, float *h_part, float *sums);
} pylstm_bulk_lstm_with_options;

/* A GRU with hard gates. */
typedef struct pylstm_bulk_gru_options {
    int reset_after, relu; /* as in pylstm_recurrent_weights */
    float gate_slope;
} pylstm_bulk_gru_options;

/* As in pylstm_bulk_cell, and as gru_reset and gru_reset_backward below. */
typedef struct pylstm_bulk_gru_with_options {
    void (*forward)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                    const float *bias, float *h);
    void (*backward)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                     const float *h_before, float *dh, float *d_bias);
    void (*reset)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                  const float *bias, const float *h, float *reset);
    void (*reset_backward)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                           const float *h_before, const float *d_reset, float *dh, float *d_bias);
} pylstm_bulk_gru_with_options;

typedef struct pylstm_bulk_kernels {
    /* y[r] += x[r] W for each row r; W: `inputs` times `outputs` (a multiple of 16), as pylstm_bulk_pack left it. */
    void (*product)(const float *packed, int inputs, int outputs, int rows, const float *x, size_t x_stride, float *y,
                    size_t y_stride);

    /* y[i][j] += the sum over r of a[r][i] b[r][j], for i < a_width and j < b_width, a multiple of 16. */
    void (*outer)(int rows, const float *a, size_t a_stride, int a_width, const float *b, size_t b_stride, int b_width,
                  float *y, size_t y_stride);

    pylstm_bulk_cell lstm, gru_after_tanh, gru_after_relu, gru_before_tanh, gru_before_relu, rnn_tanh, rnn_relu;
    pylstm_bulk_lstm_with_options lstm_with_options;
    pylstm_bulk_gru_with_options gru_with_options;

    /* With the reset before the product, between the products of r and z and that of n: activates r, and reset = r h, `units` a
     * row. Then, back: d_reset is the gradient with respect to reset; leaves that of the sum of r in place of r, adds what goes
     * through reset to dh, and the gradients of the sums to d_bias. */
    void (*gru_reset)(int units, int rows, float *gates, size_t gate_stride, const float *bias, const float *h, float *reset);
    void (*gru_reset_backward)(int units, int rows, float *gates, size_t gate_stride, const float *h_before,
                               const float *d_reset, float *dh, float *d_bias);
} pylstm_bulk_kernels;

/* The table for the instruction set of that name (pylstm_isa), which the caller has seen to run here; NULL for other names. */
const pylstm_bulk_kernels *pylstm_bulk_kernels_for(const char *isa);

/* Packs W with W[k][u] = matrix[k * input_stride + u * output_stride]; packed has room for inputs * outputs floats. */
void pylstm_bulk_pack(const float *matrix, size_t input_stride, size_t output_stride, int inputs, int outputs, float *packed);

/* The tables, those of sets that are not in this build excepted. */
#define PYLSTM_DECLARE_TABLE(name, vector, needs, built) extern const pylstm_bulk_kernels pylstm_bulk_kernels_##vector;
PYLSTM_INSTRUCTION_SETS(PYLSTM_DECLARE_TABLE)
#undef PYLSTM_DECLARE_TABLE

#endif
