/* LSTM cells with options: from the sums of the gates to the new c and h.
 *
 *     i = sigmoid(z_i + p_i c)      f = sigmoid(z_f + p_f c), or 1 - i
 *     g =    tanh(z_g)              c' = f c + i g
 *     o = sigmoid(z_o + p_o c')     h' = o tanh(c'), or o tanh(gain * normalised(c') + bias)
 *
 * Each sum that a gate takes and c' can be limited, and sigmoids can be hard ones. Peepholes: Gers and Schmidhuber 2000. Layer
 * normalisation: Ba, Kiros and Hinton 2016, z = gain_ih * normalised(W_ih x) + gain_hh * normalised(W_hh h) + bias, over all
 * gates together.
 *
 * The step is bound by reading the weights, which is over when these functions begin: they ask for each option while they run.
 */
#include "kernels/lstm_options_kernels.h"

static void lstm_normalise(const pylstm_lstm_options *options, const float *sums, const float *gain, const float *start,
                           float *y) {
    const int n_blocks = (options->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    const v16_moments moments = moments_of(sums, options->hidden_size, options->n_gates, options->n_gates);
    for (int k = 0; k < n_blocks * options->n_gates * PYLSTM_UNITS; k += PYLSTM_UNITS)
        v16_store(y + k, v16_fma(v16_load(gain + k), centred(v16_load(sums + k), moments), v16_load(start + k)));
}

/* Several times in one function: not inlined where code is to be small. */
static v16 opened(const pylstm_lstm_options *options, v16 z) {
    return options->gate_slope > 0.0f ? v16_hard_sigmoid(z, options->gate_slope) : v16_sigmoid(z);
}

static v16 squashed(v16 z) {
    return v16_tanh(z);
}

/* Limited to -limit ... limit; not-a-number becomes the limit. */
PYLSTM_INLINE v16 clipped(v16 x, float limit) {
    return v16_max(v16_min(x, v16_set(limit)), v16_set(-limit));
}

/* The sum that a gate takes: with its peephole, if there are any, and within the limit. */
static v16 seen(const pylstm_lstm_options *options, const float *sum, const float *peephole, v16 cell) {
    const v16 z = v16_load(sum);
    return clipped(peephole ? v16_fma(v16_load(peephole), cell, z) : z, options->gate_clip);
}

static void lstm_update_with_options(const pylstm_lstm_options *options, const float *sums, float *c, float *h_next,
                                     float *gates) {
    const int n_blocks = (options->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS, n_gates = options->n_gates;
    const size_t padded = (size_t)n_blocks * PYLSTM_UNITS;
    const int coupled = n_gates == 3;
    for (size_t unit = 0; unit < padded; unit += PYLSTM_UNITS) {
        const float *z = sums + unit * (size_t)n_gates;
        const float *p_i = options->peepholes ? options->peepholes + unit * (size_t)(n_gates - 1) : NULL;
        const float *p_f = p_i ? p_i + PYLSTM_UNITS : NULL, *p_o = p_i ? p_i + (n_gates - 2) * PYLSTM_UNITS : NULL;
        const v16 before = v16_load(c + unit);
        const v16 i = opened(options, seen(options, z, p_i, before));
        const v16 f = coupled ? v16_sub(v16_set(1.0f), i) : opened(options, seen(options, z + PYLSTM_UNITS, p_f, before));
        const v16 g = squashed(seen(options, z + (n_gates - 2) * PYLSTM_UNITS, NULL, before));
        const v16 cell = clipped(v16_fma(f, before, v16_mul(i, g)), options->cell_clip);
        const v16 o = opened(options, seen(options, z + (n_gates - 1) * PYLSTM_UNITS, p_o, cell));
        v16_store(c + unit, cell);
        v16_store(h_next + unit, options->gain_c ? o : v16_mul(o, squashed(cell)));
        if (gates) {
            v16_store(gates + 0 * padded + unit, i);
            v16_store(gates + 1 * padded + unit, f);
            v16_store(gates + 2 * padded + unit, g);
            v16_store(gates + 3 * padded + unit, o);
        }
    }
    if (options->gain_c) { /* h_next holds o */
        const v16_moments moments = moments_of(c, options->hidden_size, 1, 1);
        for (size_t unit = 0; unit < padded; unit += PYLSTM_UNITS) {
            const v16 shown = v16_fma(v16_load(options->gain_c + unit), centred(v16_load(c + unit), moments),
                                      v16_load(options->bias_c + unit));
            v16_store(h_next + unit, v16_mul(v16_load(h_next + unit), squashed(shown)));
        }
    }
}

static const pylstm_lstm_options_kernels lstm_options_kernels = {
    .normalise = lstm_normalise,
    .update = lstm_update_with_options,
};
