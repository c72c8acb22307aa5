# What the bulk passes call of the core: src/bulk/bulk_kernels.h.

cdef extern from "platform/floating_point_mode.h" nogil:
    ctypedef struct pylstm_fpmode:
        pass
    pylstm_fpmode pylstm_fpmode_enter()
    void pylstm_fpmode_leave(pylstm_fpmode caller)

cdef extern from "bulk/bulk_kernels.h" nogil:
    ctypedef struct pylstm_bulk_cell:
        void (*forward)(int units, int rows, float *gates, size_t gate_stride, const float *bias, float *h,
                        float *c) noexcept nogil
        void (*backward)(int units, int rows, float *gates, size_t gate_stride, const float *h_before, const float *c_before,
                         float *dh, float *dc, float *d_bias) noexcept nogil
    ctypedef struct pylstm_bulk_lstm_options:
        int hidden_size, coupled
        float gate_clip, cell_clip, gate_slope
        const float *peepholes
        const float *gain_ih
        const float *gain_hh
        const float *gain_c
        const float *bias_c
    ctypedef struct pylstm_bulk_lstm_with_options:
        void (*normalise)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                          const float *h_part) noexcept nogil
        void (*forward)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                        const float *bias, float *h, float *c) noexcept nogil
        void (*backward)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates, size_t gate_stride,
                         const float *c_before, float *dh, float *dc, float *sums, float *room) noexcept nogil
        void (*normalise_backward)(const pylstm_bulk_lstm_options *options, int units, int rows, float *gates,
                                   size_t gate_stride, const float *x_part, float *h_part, float *sums) noexcept nogil
    ctypedef struct pylstm_bulk_gru_options:
        int reset_after, relu
        float gate_slope
    ctypedef struct pylstm_bulk_gru_with_options:
        void (*forward)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                        const float *bias, float *h) noexcept nogil
        void (*backward)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                         const float *h_before, float *dh, float *d_bias) noexcept nogil
        void (*reset)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                      const float *bias, const float *h, float *reset) noexcept nogil
        void (*reset_backward)(const pylstm_bulk_gru_options *options, int units, int rows, float *gates, size_t gate_stride,
                               const float *h_before, const float *d_reset, float *dh, float *d_bias) noexcept nogil
    ctypedef struct pylstm_bulk_kernels:
        void (*product)(const float *packed, int inputs, int outputs, int rows, const float *x, size_t x_stride, float *y,
                        size_t y_stride) noexcept nogil
        void (*outer)(int rows, const float *a, size_t a_stride, int a_width, const float *b, size_t b_stride, int b_width,
                      float *y, size_t y_stride) noexcept nogil
        pylstm_bulk_cell lstm
        pylstm_bulk_cell gru_after_tanh
        pylstm_bulk_cell gru_after_relu
        pylstm_bulk_cell gru_before_tanh
        pylstm_bulk_cell gru_before_relu
        pylstm_bulk_cell rnn_tanh
        pylstm_bulk_cell rnn_relu
        pylstm_bulk_lstm_with_options lstm_with_options
        pylstm_bulk_gru_with_options gru_with_options
        void (*gru_reset)(int units, int rows, float *gates, size_t gate_stride, const float *bias, const float *h,
                          float *reset) noexcept nogil
        void (*gru_reset_backward)(int units, int rows, float *gates, size_t gate_stride, const float *h_before,
                                   const float *d_reset, float *dh, float *d_bias) noexcept nogil
    const pylstm_bulk_kernels *pylstm_bulk_kernels_for(const char *isa)
    void pylstm_bulk_pack(const float *matrix, size_t input_stride, size_t output_stride, int inputs, int outputs,
                          float *packed)

include "_blas.pxi"
include "_float_arrays.pxi"
