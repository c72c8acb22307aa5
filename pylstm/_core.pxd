# The C core as the binding sees it: the functions of the public API (their types are in _engine.pxd), and a few inner ones.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t
from pylstm._engine cimport (
    pylstm_batch,
    pylstm_error,
    pylstm_layer_part,
    pylstm_model,
    pylstm_push,
    pylstm_sample_type,
    pylstm_status,
    pylstm_stream,
)

cdef extern from "pylstm.h" nogil:
    const char *pylstm_strerror(pylstm_status status)
    const char *pylstm_version()
    const char *pylstm_isa(pylstm_error *why)
    int pylstm_isa_built(const char *isa)
    int pylstm_isa_supported(const char *isa)
    const char *pylstm_isa_name(int index)
    pylstm_status pylstm_model_create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why)
    void pylstm_model_destroy(pylstm_model *model)
    pylstm_status pylstm_model_size(const void *bytes, size_t size, size_t *needed, pylstm_error *why)
    pylstm_status pylstm_model_init(void *memory, size_t memory_size, const void *bytes, size_t size, pylstm_model **model,
                                    pylstm_error *why)
    int pylstm_model_sample_rate(const pylstm_model *model)
    int pylstm_model_hop_length(const pylstm_model *model)
    int pylstm_model_n_features(const pylstm_model *model)
    int pylstm_model_n_outputs(const pylstm_model *model)
    int64_t pylstm_model_latency(const pylstm_model *model)
    const char *pylstm_model_isa(const pylstm_model *model)
    const char *pylstm_model_label(const pylstm_model *model, int output)
    const char *pylstm_model_info(const pylstm_model *model, const char *key)
    int pylstm_model_n_info(const pylstm_model *model)
    const char *pylstm_model_info_key(const pylstm_model *model, int index)
    pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames,
                                        int *refractory_frames, pylstm_error *why)
    int pylstm_model_is_background(const pylstm_model *model, int output)
    int pylstm_model_n_state_parts(const pylstm_model *model)
    pylstm_status pylstm_model_state_part(const pylstm_model *model, int index, pylstm_layer_part *part)
    int64_t pylstm_model_state_width(const pylstm_model *model)
    int pylstm_model_n_trace_parts(const pylstm_model *model)
    pylstm_status pylstm_model_trace_part(const pylstm_model *model, int index, pylstm_layer_part *part)
    int64_t pylstm_model_trace_width(const pylstm_model *model)
    pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream)
    void pylstm_stream_destroy(pylstm_stream *stream)
    size_t pylstm_stream_size(const pylstm_model *model)
    pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_stream **stream)
    pylstm_status pylstm_stream_rows_due(pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows)
    pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                     ptrdiff_t stride, float *out, size_t out_rows, size_t *rows)
    pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                            float *out, size_t out_rows, size_t *rows)
    pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                             float *out, size_t out_rows, size_t *rows, float *trace)
    pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows)
    pylstm_status pylstm_stream_reset(pylstm_stream *stream)
    pylstm_status pylstm_stream_reset_keep_peak(pylstm_stream *stream)
    int64_t pylstm_stream_position(const pylstm_stream *stream)
    int64_t pylstm_stream_rows_written(const pylstm_stream *stream)
    pylstm_status pylstm_stream_get_state(pylstm_stream *stream, float *values, size_t n_values)
    pylstm_status pylstm_stream_set_state(pylstm_stream *stream, const float *values, size_t n_values)
    size_t pylstm_snapshot_size(const pylstm_model *model)
    pylstm_status pylstm_stream_snapshot(pylstm_stream *stream, void *snapshot, size_t size)
    pylstm_status pylstm_stream_restore(pylstm_stream *stream, const void *snapshot, size_t size)
    pylstm_status pylstm_stream_copy(pylstm_stream *to, pylstm_stream *source)
    pylstm_status pylstm_batch_create(const pylstm_model *model, int threads, pylstm_batch **batch)
    void pylstm_batch_destroy(pylstm_batch *batch)
    size_t pylstm_batch_size(const pylstm_model *model)
    pylstm_status pylstm_batch_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_batch **batch)
    pylstm_status pylstm_batch_push(pylstm_batch *batch, pylstm_push *parts, size_t n_parts)

cdef extern from "decisions/detector_settings.h" nogil:
    const char *pylstm_detector_background(const pylstm_model *model)
    const char *pylstm_detector_next_name(const char **list, size_t *length)

cdef extern from "modelfile/model_file.h" nogil:
    enum:
        PYLSTM_MAX_NAME
        PYLSTM_MAX_RANK
        PYLSTM_MAX_TEXT
    ctypedef struct pylstm_tensor:
        char name[PYLSTM_MAX_NAME + 1]
        int rank
        int64_t shape[PYLSTM_MAX_RANK]
        size_t count
    ctypedef struct pylstm_safetensors:
        int n_tensors
        int n_metadata
    ctypedef struct pylstm_model_file:
        pylstm_safetensors container
    pylstm_status pylstm_model_file_open(pylstm_model_file *file, const void *data, size_t size, pylstm_error *why)
    size_t pylstm_safetensors_metadata(const pylstm_safetensors *container, int index, char *key, char *value)
    void pylstm_safetensors_tensor(const pylstm_safetensors *container, int index, pylstm_tensor *tensor)
    void pylstm_tensor_read(const pylstm_tensor *tensor, float *values)
