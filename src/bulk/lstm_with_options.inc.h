/* LSTM cells with options over the rows of a bulk pass, and their gradients: included by bulk_kernels.inc.h. */

/* Limited to -limit ... limit. */
PYLSTM_INLINE v16 clipped(v16 x, float limit) {
    return v16_max(v16_min(x, v16_set(limit)), v16_set(-limit));
}

/* Through a limit of sums, where the activated value of a gate says whether its sum has reached it. */
PYLSTM_INLINE v16 through_gate_clip(const pylstm_bulk_lstm_options *options, v16 d, v16 value, int is_tanh) {
    const v16 high = v16_set(options->gate_clip), low = v16_set(-options->gate_clip);
    if (options->gate_clip == FLT_MAX)
        return d;
    return v16_mul(d, is_tanh ? between(value, v16_tanh(low), v16_tanh(high))
                              : between(value, gate_of(low, options->gate_slope), gate_of(high, options->gate_slope)));
}

/* Of one row: y = (y's old value, unless `begins`) + gain * normalised(x). */
static void add_normalised(const float *x, const float *gain, int size, int units, int n_rows, int begins, float *y) {
    const v16_moments moments = moments_of(x, size, n_rows, 1);
    for (int k = 0; k < units * n_rows; k += VECTOR) {
        const v16 start = begins ? v16_set(0.0f) : v16_load(y + k);
        v16_store(y + k, v16_fma(v16_load(gain + k), centred(v16_load(x + k), moments), start));
    }
}

/* Of one row, dx from dy, with y = gain * normalised(x): inverse (g - mean(g) - n mean(g n)) where g = gain dy and n =
 * normalised(x). d_gain is added to. dx may be dy or x. */
static void normalised_backward(const float *x, const float *gain, int size, int units, int n_rows, const float *dy, float *dx,
                                float *d_gain) {
    const v16_moments moments = moments_of(x, size, n_rows, 1);
    const float count = (float)size * (float)n_rows;
    v16 sum = v16_set(0.0f), products = sum, mean, product;
    for (int k = 0; k < units * n_rows; k += VECTOR) {
        const v16 n = centred(v16_load(x + k), moments), d = v16_load(dy + k), g = v16_mul(d, v16_load(gain + k));
        v16_store(d_gain + k, v16_fma(d, n, v16_load(d_gain + k)));
        sum = v16_add(sum, g);
        products = v16_fma(g, n, products);
    }
    mean = v16_set(sum_of_vector(sum) / count);
    product = v16_set(sum_of_vector(products) / count);
    for (int k = 0; k < units * n_rows; k += VECTOR) {
        const v16 n = centred(v16_load(x + k), moments), g = v16_mul(v16_load(dy + k), v16_load(gain + k));
        const v16 distance = v16_sub(v16_sub(g, mean), v16_mul(n, product));
        v16_store(dx + k, v16_mul(v16_mul(distance, v16_set(moments.inverse)), v16_set(moments.scale)));
    }
}

static void lstm_normalise(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                           const float *h_part) {
    const int n_gates = options->coupled ? 3 : 4;
    for (int r = 0; r < rows; r++, gates += gate_stride, h_part += n_gates * units) {
        add_normalised(gates, options->gain_ih, options->hidden_size, units, n_gates, 1, gates);
        add_normalised(h_part, options->gain_hh, options->hidden_size, units, n_gates, 0, gates);
    }
}

static void lstm_normalise_backward(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates,
                                    size_t gate_stride, const float *x_part, float *h_part, float *sums) {
    const int n_gates = options->coupled ? 3 : 4;
    float *d_gain_ih = sums + (n_gates + 3) * units, *d_gain_hh = d_gain_ih + n_gates * units;
    for (int r = 0; r < rows; r++, gates += gate_stride, x_part += n_gates * units, h_part += n_gates * units) {
        normalised_backward(h_part, options->gain_hh, options->hidden_size, units, n_gates, gates, h_part, d_gain_hh);
        normalised_backward(x_part, options->gain_ih, options->hidden_size, units, n_gates, gates, gates, d_gain_ih);
    }
}

PYLSTM_INLINE v16 peephole(const pylstm_bulk_lstm_options *options, int units, int which, int u) {
    return options->peepholes ? v16_load(options->peepholes + which * units + u) : v16_set(0.0f);
}

static void lstm_options_forward(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                                 const float *bias, float *h, float *c) {
    const int coupled = options->coupled, n_gates = coupled ? 3 : 4;
    const float *b_g = bias + (n_gates - 2) * units, *b_o = b_g + units;
    for (int r = 0; r < rows; r++, gates += gate_stride, h += units, c += units) {
        float *i_row = gates, *f_row = gates + units, *g_row = gates + (n_gates - 2) * units, *o_row = g_row + units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 before = v16_load(c + u);
            const v16 i_sum = v16_fma(peephole(options, units, 0, u), before, v16_add(v16_load(i_row + u), v16_load(bias + u)));
            const v16 i = gate_of(clipped(i_sum, options->gate_clip), options->gate_slope);
            const v16 g = v16_tanh(clipped(v16_add(v16_load(g_row + u), v16_load(b_g + u)), options->gate_clip));
            v16 f = v16_sub(v16_set(1.0f), i), cell, o_sum, o;
            if (!coupled) {
                const v16 sum = v16_add(v16_load(f_row + u), v16_load(bias + units + u));
                f = gate_of(clipped(v16_fma(peephole(options, units, 1, u), before, sum), options->gate_clip),
                            options->gate_slope);
                v16_store(f_row + u, f);
            }
            cell = clipped(v16_fma(f, before, v16_mul(i, g)), options->cell_clip);
            o_sum = v16_fma(peephole(options, units, 2, u), cell, v16_add(v16_load(o_row + u), v16_load(b_o + u)));
            o = gate_of(clipped(o_sum, options->gate_clip), options->gate_slope);
            v16_store(i_row + u, i);
            v16_store(g_row + u, g);
            v16_store(o_row + u, o);
            v16_store(c + u, cell);
            v16_store(h + u, options->gain_c ? cell : v16_mul(o, v16_tanh(cell)));
        }
        if (options->gain_c) {
            add_normalised(c, options->gain_c, options->hidden_size, units, 1, 1, h);
            for (int u = 0; u < units; u += VECTOR) {
                const v16 shown = v16_add(v16_load(h + u), v16_load(options->bias_c + u));
                v16_store(h + u, v16_mul(v16_load(o_row + u), v16_tanh(shown)));
            }
        }
    }
}

/* Of one row, from dh to the gradients of o and, in place of dh, of c' as far as h shows it. d_norm: the sums of gain_c and
 * bias_c. */
static void h_backward(const pylstm_bulk_lstm_options *options, int units, const float *cell, const float *o_row, float *dh,
                       float *d_o, float *d_norm) {
    v16_moments moments = {.scale = 1.0f};
    if (options->gain_c)
        moments = moments_of(cell, options->hidden_size, 1, 1);
    for (int u = 0; u < units; u += VECTOR) {
        const v16 c = v16_load(cell + u), d_hidden = v16_load(dh + u);
        v16 shown = c, d_shown;
        if (options->gain_c)
            shown = v16_fma(v16_load(options->gain_c + u), centred(c, moments), v16_load(options->bias_c + u));
        shown = v16_tanh(shown);
        d_shown = through_tanh(v16_mul(d_hidden, v16_load(o_row + u)), shown);
        v16_store(d_o + u, v16_mul(d_hidden, shown));
        v16_store(dh + u, d_shown);
        if (options->gain_c)
            v16_store(d_norm + units + u, v16_add(v16_load(d_norm + units + u), d_shown));
    }
    if (options->gain_c)
        normalised_backward(cell, options->gain_c, options->hidden_size, units, 1, dh, dh, d_norm);
}

PYLSTM_INLINE void add_product(float *sum, v16 a, v16 b) {
    v16_store(sum, v16_fma(a, b, v16_load(sum)));
}

/* c' is computed again, as in lstm_backward. */
static void lstm_options_backward(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates,
                                  size_t gate_stride, const float *c_before, float *dh, float *dc, float *sums, float *room) {
    const int coupled = options->coupled, n_gates = coupled ? 3 : 4;
    float *d_peepholes = sums + n_gates * units, *d_norm = d_peepholes + (3 + 2 * n_gates) * units;
    float *cell = room, *d_o = room + units, *g_bias = sums + (n_gates - 2) * units, *o_bias = g_bias + units;
    for (int r = 0; r < rows; r++, gates += gate_stride, c_before += units, dh += units, dc += units) {
        float *i_row = gates, *f_row = gates + units, *g_row = gates + (n_gates - 2) * units, *o_row = g_row + units;
        for (int u = 0; u < units; u += VECTOR) {
            const v16 i = v16_load(i_row + u), f = coupled ? v16_sub(v16_set(1.0f), i) : v16_load(f_row + u);
            const v16 raw = v16_fma(f, v16_load(c_before + u), v16_mul(i, v16_load(g_row + u)));
            v16_store(cell + u, clipped(raw, options->cell_clip));
        }
        h_backward(options, units, cell, o_row, dh, d_o, d_norm);
        for (int u = 0; u < units; u += VECTOR) {
            const v16 i = v16_load(i_row + u), f = coupled ? v16_sub(v16_set(1.0f), i) : v16_load(f_row + u);
            const v16 g = v16_load(g_row + u), o = v16_load(o_row + u), before = v16_load(c_before + u);
            const v16 raw = v16_fma(f, before, v16_mul(i, g)), limit = v16_set(options->cell_clip);
            const v16 o_sum = through_gate_clip(options, through_gate(v16_load(d_o + u), o, options->gate_slope), o, 0);
            v16 d_cell = v16_add(v16_load(dc + u), v16_load(dh + u)), d_i, i_sum, d_before;
            d_cell = v16_fma(peephole(options, units, 2, u), o_sum, d_cell);
            if (options->cell_clip < FLT_MAX)
                d_cell = v16_mul(d_cell, between(raw, v16_sub(v16_set(0.0f), limit), limit));
            d_i = v16_mul(d_cell, coupled ? v16_sub(g, before) : g);
            i_sum = through_gate_clip(options, through_gate(d_i, i, options->gate_slope), i, 0);
            d_before = v16_fma(peephole(options, units, 0, u), i_sum, v16_mul(d_cell, f));
            if (!coupled) {
                const v16 d_f = through_gate(v16_mul(d_cell, before), f, options->gate_slope);
                const v16 f_sum = through_gate_clip(options, d_f, f, 0);
                d_before = v16_fma(peephole(options, units, 1, u), f_sum, d_before);
                put_gradient(f_row + u, sums + units + u, f_sum);
                if (options->peepholes)
                    add_product(d_peepholes + units + u, f_sum, before);
            }
            if (options->peepholes) {
                add_product(d_peepholes + u, i_sum, before);
                add_product(d_peepholes + 2 * units + u, o_sum, v16_load(cell + u));
            }
            put_gradient(i_row + u, sums + u, i_sum);
            put_gradient(g_row + u, g_bias + u, through_gate_clip(options, through_tanh(v16_mul(d_cell, i), g), g, 1));
            put_gradient(o_row + u, o_bias + u, o_sum);
            v16_store(dc + u, d_before);
            v16_store(dh + u, v16_set(0.0f));
        }
    }
}
