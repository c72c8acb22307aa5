/* GRU cells with hard gates over the rows of a bulk pass, and their gradients: included by bulk_kernels.inc.h. */

static void gru_options_forward(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                                const float *bias, float *h) {
    if (options->reset_after) {
        gru_forward(units, rows, gates, gate_stride, bias, h, options->relu, options->gate_slope);
    } else {
        gru_before_forward(units, rows, gates, gate_stride, bias, h, options->relu, options->gate_slope);
    }
}

static void gru_options_backward(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                                 const float *h_before, float *dh, float *d_bias) {
    if (options->reset_after) {
        gru_backward(units, rows, gates, gate_stride, h_before, dh, d_bias, options->relu, options->gate_slope);
    } else {
        gru_before_backward(units, rows, gates, gate_stride, h_before, dh, d_bias, options->relu, options->gate_slope);
    }
}

static void gru_options_reset(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                              const float *bias, const float *h, float *reset) {
    gru_before_reset(units, rows, gates, gate_stride, bias, h, reset, options->gate_slope);
}

static void gru_options_reset_backward(const pylstm_bulk_gru_options *options, int units, int rows, float *gates,
                                       size_t gate_stride, const float *h_before, const float *d_reset, float *dh,
                                       float *d_bias) {
    gru_before_reset_backward(units, rows, gates, gate_stride, h_before, d_reset, dh, d_bias, options->gate_slope);
}
