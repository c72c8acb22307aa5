# The C API for other modules: each function of pylstm.h under its own name, exported by its declaration in _engine.pxd. Part of
# _engine.pyx.


cdef const char *pylstm_strerror(pylstm_status status) noexcept nogil:
    return core.pylstm_strerror(status)


cdef const char *pylstm_version() noexcept nogil:
    return core.pylstm_version()


cdef const char *pylstm_isa(pylstm_error *why) noexcept nogil:
    return core.pylstm_isa(why)


cdef int pylstm_isa_built(const char *isa) noexcept nogil:
    return core.pylstm_isa_built(isa)


cdef int pylstm_isa_supported(const char *isa) noexcept nogil:
    return core.pylstm_isa_supported(isa)


cdef pylstm_status pylstm_model_create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why) noexcept nogil:
    return core.pylstm_model_create(bytes, size, model, why)


cdef void pylstm_model_destroy(pylstm_model *model) noexcept nogil:
    core.pylstm_model_destroy(model)


cdef pylstm_status pylstm_model_size(const void *bytes, size_t size, size_t *needed, pylstm_error *why) noexcept nogil:
    return core.pylstm_model_size(bytes, size, needed, why)


cdef pylstm_status pylstm_model_init(void *memory, size_t memory_size, const void *bytes, size_t size, pylstm_model **model,
                                     pylstm_error *why) noexcept nogil:
    return core.pylstm_model_init(memory, memory_size, bytes, size, model, why)


cdef int pylstm_model_sample_rate(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_sample_rate(model)


cdef int pylstm_model_hop_length(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_hop_length(model)


cdef int pylstm_model_n_features(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_n_features(model)


cdef int pylstm_model_n_outputs(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_n_outputs(model)


cdef int64_t pylstm_model_latency(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_latency(model)


cdef const char *pylstm_model_isa(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_isa(model)


cdef const char *pylstm_model_label(const pylstm_model *model, int output) noexcept nogil:
    return core.pylstm_model_label(model, output)


cdef const char *pylstm_model_info(const pylstm_model *model, const char *key) noexcept nogil:
    return core.pylstm_model_info(model, key)


cdef int pylstm_model_n_info(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_n_info(model)


cdef const char *pylstm_model_info_key(const pylstm_model *model, int index) noexcept nogil:
    return core.pylstm_model_info_key(model, index)


cdef pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames,
                                         int *refractory_frames, pylstm_error *why) noexcept nogil:
    return core.pylstm_model_detector(model, threshold, smoothing_frames, refractory_frames, why)


cdef int pylstm_model_is_background(const pylstm_model *model, int output) noexcept nogil:
    return core.pylstm_model_is_background(model, output)


cdef int pylstm_model_n_state_parts(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_n_state_parts(model)


cdef pylstm_status pylstm_model_state_part(const pylstm_model *model, int index, pylstm_layer_part *part) noexcept nogil:
    return core.pylstm_model_state_part(model, index, part)


cdef int64_t pylstm_model_state_width(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_state_width(model)


cdef int pylstm_model_n_trace_parts(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_n_trace_parts(model)


cdef pylstm_status pylstm_model_trace_part(const pylstm_model *model, int index, pylstm_layer_part *part) noexcept nogil:
    return core.pylstm_model_trace_part(model, index, part)


cdef int64_t pylstm_model_trace_width(const pylstm_model *model) noexcept nogil:
    return core.pylstm_model_trace_width(model)


cdef pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream) noexcept nogil:
    return core.pylstm_stream_create(model, stream)


cdef void pylstm_stream_destroy(pylstm_stream *stream) noexcept nogil:
    core.pylstm_stream_destroy(stream)


cdef size_t pylstm_stream_size(const pylstm_model *model) noexcept nogil:
    return core.pylstm_stream_size(model)


cdef pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model,
                                      pylstm_stream **stream) noexcept nogil:
    return core.pylstm_stream_init(memory, memory_size, model, stream)


cdef pylstm_status pylstm_stream_rows_due(pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows) noexcept nogil:
    return core.pylstm_stream_rows_due(stream, n_samples, flush, rows)


cdef pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                      ptrdiff_t stride, float *out, size_t out_rows, size_t *rows) noexcept nogil:
    return core.pylstm_stream_push(stream, type, pcm, n_samples, stride, out, out_rows, rows)


cdef pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                             float *out, size_t out_rows, size_t *rows) noexcept nogil:
    return core.pylstm_stream_push_frames(stream, frames, n_frames, row_stride, out, out_rows, rows)


cdef pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames,
                                              ptrdiff_t row_stride, float *out, size_t out_rows, size_t *rows,
                                              float *trace) noexcept nogil:
    return core.pylstm_stream_trace_frames(stream, frames, n_frames, row_stride, out, out_rows, rows, trace)


cdef pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows) noexcept nogil:
    return core.pylstm_stream_flush(stream, out, out_rows, rows)


cdef pylstm_status pylstm_stream_reset(pylstm_stream *stream) noexcept nogil:
    return core.pylstm_stream_reset(stream)


cdef pylstm_status pylstm_stream_reset_keep_peak(pylstm_stream *stream) noexcept nogil:
    return core.pylstm_stream_reset_keep_peak(stream)


cdef int64_t pylstm_stream_position(const pylstm_stream *stream) noexcept nogil:
    return core.pylstm_stream_position(stream)


cdef int64_t pylstm_stream_rows_written(const pylstm_stream *stream) noexcept nogil:
    return core.pylstm_stream_rows_written(stream)


cdef pylstm_status pylstm_stream_get_state(pylstm_stream *stream, float *values, size_t n_values) noexcept nogil:
    return core.pylstm_stream_get_state(stream, values, n_values)


cdef pylstm_status pylstm_stream_set_state(pylstm_stream *stream, const float *values, size_t n_values) noexcept nogil:
    return core.pylstm_stream_set_state(stream, values, n_values)


cdef size_t pylstm_snapshot_size(const pylstm_model *model) noexcept nogil:
    return core.pylstm_snapshot_size(model)


cdef pylstm_status pylstm_stream_snapshot(pylstm_stream *stream, void *snapshot, size_t size) noexcept nogil:
    return core.pylstm_stream_snapshot(stream, snapshot, size)


cdef pylstm_status pylstm_stream_restore(pylstm_stream *stream, const void *snapshot, size_t size) noexcept nogil:
    return core.pylstm_stream_restore(stream, snapshot, size)


cdef pylstm_status pylstm_stream_copy(pylstm_stream *to, pylstm_stream *source) noexcept nogil:
    return core.pylstm_stream_copy(to, source)


cdef pylstm_status pylstm_batch_create(const pylstm_model *model, int threads, pylstm_batch **batch) noexcept nogil:
    return core.pylstm_batch_create(model, threads, batch)


cdef void pylstm_batch_destroy(pylstm_batch *batch) noexcept nogil:
    core.pylstm_batch_destroy(batch)


cdef size_t pylstm_batch_size(const pylstm_model *model) noexcept nogil:
    return core.pylstm_batch_size(model)


cdef pylstm_status pylstm_batch_init(void *memory, size_t memory_size, const pylstm_model *model,
                                     pylstm_batch **batch) noexcept nogil:
    return core.pylstm_batch_init(memory, memory_size, model, batch)


cdef pylstm_status pylstm_batch_push(pylstm_batch *batch, pylstm_push *parts, size_t n_parts) noexcept nogil:
    return core.pylstm_batch_push(batch, parts, n_parts)
