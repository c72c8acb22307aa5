# The C API of pylstm for other Cython modules: what `cimport pylstm` gives. src/pylstm.h (installed: pylstm.get_include()) says
# what each function does. The functions come from pylstm._engine when the importing module is loaded: nothing has to be linked.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t

cdef extern from "pylstm.h" nogil:
    ctypedef enum pylstm_status:
        PYLSTM_OK
        PYLSTM_BAD_ARGUMENT
        PYLSTM_NO_MEMORY
        PYLSTM_BAD_MODEL
        PYLSTM_BAD_ISA
        PYLSTM_NOT_FINITE
        PYLSTM_OUT_TOO_SMALL
        PYLSTM_BUSY
        PYLSTM_FLUSHED
        PYLSTM_WRONG_INPUT
        PYLSTM_TOO_SHORT
        PYLSTM_SNAPSHOT_FOREIGN
        PYLSTM_SNAPSHOT_DAMAGED
        PYLSTM_NOT_BUILT

    ctypedef struct pylstm_error:
        pylstm_status status
        char message[400]

    ctypedef enum pylstm_sample_type:
        PYLSTM_FLOAT32
        PYLSTM_INT16
        PYLSTM_FRAMES

    ctypedef struct pylstm_layer_part:
        const char *kind
        const char *name
        int layer
        int cell
        size_t offset
        size_t size

    ctypedef struct pylstm_model:
        pass
    ctypedef struct pylstm_stream:
        pass
    ctypedef struct pylstm_batch:
        pass
    ctypedef struct pylstm_push:
        pylstm_stream *stream
        pylstm_sample_type type
        const void *data
        size_t n
        ptrdiff_t stride
        float *out
        size_t out_rows
        size_t rows
        pylstm_status status

cdef const char *pylstm_strerror(pylstm_status status) noexcept nogil
cdef const char *pylstm_version() noexcept nogil
cdef const char *pylstm_isa(pylstm_error *why) noexcept nogil
cdef int pylstm_isa_built(const char *isa) noexcept nogil
cdef int pylstm_isa_supported(const char *isa) noexcept nogil
cdef pylstm_status pylstm_model_create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why) noexcept nogil
cdef void pylstm_model_destroy(pylstm_model *model) noexcept nogil
cdef pylstm_status pylstm_model_size(const void *bytes, size_t size, size_t *needed, pylstm_error *why) noexcept nogil
cdef pylstm_status pylstm_model_init(void *memory, size_t memory_size, const void *bytes, size_t size, pylstm_model **model,
                                     pylstm_error *why) noexcept nogil
cdef int pylstm_model_sample_rate(const pylstm_model *model) noexcept nogil
cdef int pylstm_model_hop_length(const pylstm_model *model) noexcept nogil
cdef int pylstm_model_n_features(const pylstm_model *model) noexcept nogil
cdef int pylstm_model_n_outputs(const pylstm_model *model) noexcept nogil
cdef int64_t pylstm_model_latency(const pylstm_model *model) noexcept nogil
cdef const char *pylstm_model_isa(const pylstm_model *model) noexcept nogil
cdef const char *pylstm_model_label(const pylstm_model *model, int output) noexcept nogil
cdef const char *pylstm_model_info(const pylstm_model *model, const char *key) noexcept nogil
cdef int pylstm_model_n_info(const pylstm_model *model) noexcept nogil
cdef const char *pylstm_model_info_key(const pylstm_model *model, int index) noexcept nogil
cdef pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames,
                                         int *refractory_frames, pylstm_error *why) noexcept nogil
cdef int pylstm_model_is_background(const pylstm_model *model, int output) noexcept nogil
cdef int pylstm_model_n_state_parts(const pylstm_model *model) noexcept nogil
cdef pylstm_status pylstm_model_state_part(const pylstm_model *model, int index, pylstm_layer_part *part) noexcept nogil
cdef int64_t pylstm_model_state_width(const pylstm_model *model) noexcept nogil
cdef int pylstm_model_n_trace_parts(const pylstm_model *model) noexcept nogil
cdef pylstm_status pylstm_model_trace_part(const pylstm_model *model, int index, pylstm_layer_part *part) noexcept nogil
cdef int64_t pylstm_model_trace_width(const pylstm_model *model) noexcept nogil
cdef pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream) noexcept nogil
cdef void pylstm_stream_destroy(pylstm_stream *stream) noexcept nogil
cdef size_t pylstm_stream_size(const pylstm_model *model) noexcept nogil
cdef pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model,
                                      pylstm_stream **stream) noexcept nogil
cdef pylstm_status pylstm_stream_rows_due(pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows) noexcept nogil
cdef pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                      ptrdiff_t stride, float *out, size_t out_rows, size_t *rows) noexcept nogil
cdef pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                             float *out, size_t out_rows, size_t *rows) noexcept nogil
cdef pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames,
                                              ptrdiff_t row_stride, float *out, size_t out_rows, size_t *rows,
                                              float *trace) noexcept nogil
cdef pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows) noexcept nogil
cdef pylstm_status pylstm_stream_reset(pylstm_stream *stream) noexcept nogil
cdef pylstm_status pylstm_stream_reset_keep_peak(pylstm_stream *stream) noexcept nogil
cdef int64_t pylstm_stream_position(const pylstm_stream *stream) noexcept nogil
cdef int64_t pylstm_stream_rows_written(const pylstm_stream *stream) noexcept nogil
cdef pylstm_status pylstm_stream_get_state(pylstm_stream *stream, float *values, size_t n_values) noexcept nogil
cdef pylstm_status pylstm_stream_set_state(pylstm_stream *stream, const float *values, size_t n_values) noexcept nogil
cdef size_t pylstm_snapshot_size(const pylstm_model *model) noexcept nogil
cdef pylstm_status pylstm_stream_snapshot(pylstm_stream *stream, void *snapshot, size_t size) noexcept nogil
cdef pylstm_status pylstm_stream_restore(pylstm_stream *stream, const void *snapshot, size_t size) noexcept nogil
cdef pylstm_status pylstm_stream_copy(pylstm_stream *to, pylstm_stream *source) noexcept nogil
cdef pylstm_status pylstm_batch_create(const pylstm_model *model, int threads, pylstm_batch **batch) noexcept nogil
cdef void pylstm_batch_destroy(pylstm_batch *batch) noexcept nogil
cdef size_t pylstm_batch_size(const pylstm_model *model) noexcept nogil
cdef pylstm_status pylstm_batch_init(void *memory, size_t memory_size, const pylstm_model *model,
                                     pylstm_batch **batch) noexcept nogil
cdef pylstm_status pylstm_batch_push(pylstm_batch *batch, pylstm_push *parts, size_t n_parts) noexcept nogil
