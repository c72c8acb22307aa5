# What the binding uses of the C core beside its public API (_engine.pxd).

from libc.stdint cimport int64_t
from pylstm._engine cimport pylstm_error, pylstm_model, pylstm_status

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
