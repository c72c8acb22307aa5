# What the binding uses of the C core beside its public API (_engine.pxd).

from libc.stdint cimport int64_t, uintptr_t
from pylstm._engine cimport (
    pylstm_error,
    pylstm_event,
    pylstm_hearing,
    pylstm_listener,
    pylstm_model,
    pylstm_push,
    pylstm_status,
    pylstm_stream,
)

cdef extern from "engine/workspace_pool.h" nogil:
    ctypedef struct pylstm_workspace:
        pass
    ctypedef struct pylstm_workspace_pool:
        pass
    pylstm_workspace_pool *pylstm_workspace_pool_create(const pylstm_model *model)
    void pylstm_workspace_pool_destroy(pylstm_workspace_pool *pool)
    int pylstm_workspace_pool_prepare(pylstm_workspace_pool *pool)
    const pylstm_workspace *pylstm_workspace_borrow(pylstm_workspace_pool *pool, uintptr_t thread)
    void pylstm_workspace_give_back(const pylstm_workspace *workspace)

cdef extern from "engine/pipeline.h" nogil:
    ctypedef struct pylstm_row_taker:
        pass
    pylstm_status pylstm_push_through(pylstm_push *part, pylstm_row_taker taker, float *trace, const pylstm_workspace *lent)
    pylstm_status pylstm_flush_through(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows, pylstm_row_taker taker,
                                       const pylstm_workspace *lent)

cdef extern from "engine/listener.h" nogil:
    pylstm_status pylstm_listener_push_in(const pylstm_workspace *lent, pylstm_hearing *part)
    pylstm_status pylstm_listener_flush_in(const pylstm_workspace *lent, pylstm_listener *listener, pylstm_event *events,
                                           size_t max_events, size_t *n_events, float *out, size_t out_rows, size_t *rows)
    pylstm_status pylstm_listener_push_doubles(pylstm_listener *listener, const double *rows, size_t n_rows,
                                               ptrdiff_t row_stride, pylstm_event *events, size_t max_events, size_t *n_events)
    pylstm_status pylstm_listener_finish(pylstm_listener *listener, double seconds, pylstm_event *events, size_t max_events,
                                         size_t *n_events)

cdef extern from "decisions/settings.h" nogil:
    const double PYLSTM_NOT_YET
    const double PYLSTM_NO_LIMIT

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
