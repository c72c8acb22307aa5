"""Hears words in a recording, from a Cython module that talks to pylstm's C API.

The GIL is released while the engine works, and nothing has to be linked: importing the module finds the
functions in the pylstm that is installed.
"""

from libc.stdint cimport int16_t
from libc.stdlib cimport free, malloc
from pylstm cimport (
    PYLSTM_INT16,
    PYLSTM_OK,
    pylstm_error,
    pylstm_model,
    pylstm_model_create,
    pylstm_model_destroy,
    pylstm_model_label,
    pylstm_model_n_outputs,
    pylstm_model_sample_rate,
    pylstm_status,
    pylstm_stream,
    pylstm_stream_create,
    pylstm_stream_destroy,
    pylstm_stream_push,
    pylstm_strerror,
)

cdef enum:
    ROWS = 16  # room for what one chunk of 10 ms can complete


cdef class Spotter:
    """A model and one stream through it.

    Parameters
    ----------
    model : bytes
        What is in a model file.
    """

    cdef pylstm_model *model
    cdef pylstm_stream *stream
    cdef float *rows
    cdef int n_outputs

    def __cinit__(self, bytes model not None):
        cdef pylstm_error why
        cdef pylstm_status status = pylstm_model_create(<const char *>model, len(model), &self.model, &why)
        if status != PYLSTM_OK:
            raise ValueError(why.message.decode())
        if pylstm_stream_create(self.model, &self.stream) != PYLSTM_OK:
            raise MemoryError
        self.n_outputs = pylstm_model_n_outputs(self.model)
        self.rows = <float *>malloc(ROWS * self.n_outputs * sizeof(float))
        if self.rows == NULL:
            raise MemoryError

    def __dealloc__(self):
        pylstm_stream_destroy(self.stream)  # the stream points to the model: it goes first
        pylstm_model_destroy(self.model)
        free(self.rows)

    @property
    def sample_rate(self):
        return pylstm_model_sample_rate(self.model)

    def label(self, int output):
        """The label of an output."""
        return pylstm_model_label(self.model, output).decode()

    def loudest(self, const int16_t[::1] pcm):
        """For every frame that the audio completes: the output with the largest posterior, and the posterior."""
        cdef Py_ssize_t chunk = pylstm_model_sample_rate(self.model) // 100
        cdef Py_ssize_t start = 0, size
        cdef size_t written = 0, row
        cdef int k, best
        cdef pylstm_status status = PYLSTM_OK
        frames = []
        while start < pcm.shape[0]:
            size = min(chunk, pcm.shape[0] - start)
            with nogil:
                status = pylstm_stream_push(self.stream, PYLSTM_INT16, &pcm[start], size, sizeof(int16_t),
                                            self.rows, ROWS, &written)
            if status != PYLSTM_OK:
                raise ValueError(pylstm_strerror(status).decode())
            for row in range(written):
                best = 0
                for k in range(self.n_outputs):
                    if self.rows[row * self.n_outputs + k] > self.rows[row * self.n_outputs + best]:
                        best = k
                frames.append((best, self.rows[row * self.n_outputs + best]))
            start += size
        return frames
