# The C core as Cython sees it: the public API, and the few inner functions that the binding needs.

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

    ctypedef struct pylstm_error:
        pylstm_status status
        char message[400]

    ctypedef enum pylstm_sample_type:
        PYLSTM_FLOAT32
        PYLSTM_INT16
        PYLSTM_FRAMES

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
        Py_ssize_t stride
        float *out
        size_t out_rows
        size_t rows
        pylstm_status status

    const char *pylstm_strerror(pylstm_status status)
    const char *pylstm_version()
    const char *pylstm_isa(pylstm_error *why)
    bint pylstm_isa_built(const char *isa)
    bint pylstm_isa_supported(const char *isa)

    pylstm_status pylstm_model_create(const void *data, size_t size, pylstm_model **model, pylstm_error *why)
    void pylstm_model_destroy(pylstm_model *model)
    int pylstm_model_sample_rate(const pylstm_model *model)
    int pylstm_model_n_features(const pylstm_model *model)
    int pylstm_model_n_outputs(const pylstm_model *model)
    int64_t pylstm_model_latency(const pylstm_model *model)
    const char *pylstm_model_isa(const pylstm_model *model)
    int64_t pylstm_model_trace_width(const pylstm_model *model)
    int pylstm_model_cells(const pylstm_model *model)
    int pylstm_model_hidden_size(const pylstm_model *model, int cell)

    pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream)
    void pylstm_stream_destroy(pylstm_stream *stream)
    pylstm_status pylstm_stream_rows(pylstm_stream *stream, size_t n_samples, bint flush, int64_t *rows)
    pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                     Py_ssize_t stride, float *out, size_t out_rows, size_t *rows)
    pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames,
                                             Py_ssize_t row_stride, float *out, size_t out_rows, size_t *rows, float *trace)
    pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows)
    pylstm_status pylstm_stream_reset(pylstm_stream *stream)
    int64_t pylstm_stream_position(const pylstm_stream *stream)
    int64_t pylstm_stream_frames(const pylstm_stream *stream)
    size_t pylstm_snapshot_size(const pylstm_model *model)
    pylstm_status pylstm_stream_snapshot(pylstm_stream *stream, void *snapshot, size_t size)
    pylstm_status pylstm_stream_restore(pylstm_stream *stream, const void *snapshot, size_t size)
    pylstm_status pylstm_stream_copy(pylstm_stream *to, pylstm_stream *source)

    pylstm_status pylstm_batch_create(const pylstm_model *model, int threads, pylstm_batch **batch)
    void pylstm_batch_destroy(pylstm_batch *batch)
    pylstm_status pylstm_batch_push(pylstm_batch *batch, pylstm_push *parts, size_t n_parts)

cdef extern from "stream.h" nogil:
    pylstm_status pylstm_stream_rewind(pylstm_stream *stream)
    pylstm_status pylstm_stream_get_cells(pylstm_stream *stream, float *memories)
    pylstm_status pylstm_stream_set_cells(pylstm_stream *stream, const float *memories)

cdef extern from "modelfile.h" nogil:
    enum:
        PYLSTM_MAX_NAME
        PYLSTM_MAX_TEXT
    ctypedef struct pylstm_tensor:
        char name[129]
        int rank
        int64_t shape[4]
        size_t count
    ctypedef struct pylstm_modelfile:
        int n_tensors
        int n_metadata
    pylstm_status pylstm_modelfile_open(pylstm_modelfile *file, const void *data, size_t size, pylstm_error *why)
    void pylstm_modelfile_metadata_at(const pylstm_modelfile *file, int index, char *key, char *value)
    void pylstm_modelfile_tensor_at(const pylstm_modelfile *file, int index, pylstm_tensor *tensor)
    void pylstm_tensor_read(const pylstm_tensor *tensor, float *values)
