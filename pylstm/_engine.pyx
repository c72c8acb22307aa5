"""The binding to the C core: buffers in, arrays out, the GIL released while the core works.

Everything is checked here once; the core then runs on plain pointers.
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS,
    PyBUF_FORMAT,
    PyBUF_RECORDS_RO,
    PyBUF_SIMPLE,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.math cimport fabs, isfinite
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from pylstm._core cimport (
    PYLSTM_MAX_NAME,
    PYLSTM_MAX_TEXT,
    PYLSTM_NO_LIMIT,
    PYLSTM_NOT_YET,
    pylstm_flush_through,
    pylstm_listener_finish,
    pylstm_listener_flush_in,
    pylstm_listener_push_doubles,
    pylstm_listener_push_in,
    pylstm_model_file,
    pylstm_model_file_open,
    pylstm_push_through,
    pylstm_row_taker,
    pylstm_safetensors_metadata,
    pylstm_safetensors_tensor,
    pylstm_tensor,
    pylstm_tensor_read,
    pylstm_workspace,
    pylstm_workspace_borrow,
    pylstm_workspace_give_back,
    pylstm_workspace_pool,
    pylstm_workspace_pool_create,
    pylstm_workspace_pool_destroy,
    pylstm_workspace_pool_prepare,
)

import itertools
import math
import operator
import os
import sys
import warnings
from collections import namedtuple

import numpy


class ModelFileError(ValueError):
    """A model file, or bytes that should be one, breaks a rule; the message begins with the rule's name."""

    __module__ = "pylstm"


class StreamBusyError(RuntimeError):
    """A stream was called while another thread is inside a call on it, or was when this process was forked: then ``reset`` or
    ``restore`` makes it usable. Nothing was changed."""

    __module__ = "pylstm"


GraphNode = namedtuple("GraphNode", "name kind positions channels first period look state_size", module="pylstm._engine")
GraphNode.__doc__ = "A layer of a model and when it has rows: `pylstm_node_info` of pylstm.h."
LayerPart = namedtuple("LayerPart", "kind name layer cell offset size", module="pylstm._engine")
LayerPart.__doc__ = "A part of what the layers remember or show: `pylstm_layer_part` of pylstm.h."


def isa():
    """The instruction set that a model made now would use; ValueError if PYLSTM_ISA names one that cannot run here."""
    cdef pylstm_error why
    cdef const char *name = pylstm_isa(&why)
    if name == NULL:
        raise ValueError(why.message.decode(errors="replace"))
    return name.decode()


def isas():
    """Instruction set -> (in this build, runs on this machine), best first."""
    cdef const char *name
    cdef dict sets = {}
    while (name := pylstm_isa_name(len(sets))) != NULL:
        sets[name.decode()] = (pylstm_isa_built(name) != 0, pylstm_isa_supported(name) != 0)
    return sets


def version():
    """The version of the C core."""
    return pylstm_version().decode()


cdef object refusal(pylstm_status status):
    """The exception for a status that a call on a stream returned."""
    text = pylstm_strerror(status).decode()
    if status == PYLSTM_BUSY or status == PYLSTM_INTERRUPTED:
        return StreamBusyError(text)
    if status == PYLSTM_NO_MEMORY:
        return MemoryError(text)
    return ValueError(text)


cdef int check(pylstm_status status) except -1:
    """Raises unless a call on a stream went well."""
    if status != PYLSTM_OK:
        raise refusal(status)
    return 0


def owned_bytes(str name, data):
    """The bytes themselves, or a copy of what a contiguous buffer holds, so that nobody can change
    them while they are read."""
    cdef Py_buffer view
    if type(data) is bytes:
        return data
    try:
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    except (TypeError, BufferError, ValueError):
        raise TypeError(f"{name} is {described(data)}; expected bytes, or another contiguous buffer") from None
    try:
        return PyBytes_FromStringAndSize(<const char *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


cdef bint is_masked(object value):
    masked = getattr(sys.modules.get("numpy.ma"), "MaskedArray", None)  # without numpy.ma there are none
    return masked is not None and isinstance(value, masked)


def refuse_masked(str name, value):
    """TypeError for a masked array: its buffer holds the hidden values too, and nothing here knows the mask."""
    if is_masked(value):
        raise TypeError(f"{name} is a masked array; expected a plain one: fill it, for example with .filled(0)")


cdef str shown(object value):
    """A value in an error: as Python writes it, but a long whole number without its digits."""
    if isinstance(value, int) and abs(value) >= 10**40:
        sign = "negative " if value < 0 else ""
        return f"a {sign}whole number of about {int(value.bit_length() * math.log10(2)) + 1} digits"
    return repr(value)


cdef object index(str name, object value):
    """A whole number of any size; True and False are none."""
    try:
        if type(value) is bool:
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected an integer") from None


cdef Py_ssize_t whole(str name, object value, Py_ssize_t low, Py_ssize_t high) except -1:
    """A whole number from low (not below 0) to high, or an error that names the argument."""
    number = index(name, value)
    if not low <= number <= high:
        expected = f"{low} or more" if number < low and high == sys.maxsize else f"{low} to {high}"
        raise ValueError(f"{name} is {shown(number)}; expected {expected}")
    return number


cdef bint flag(str name, object value) except -1:
    """True or False, and nothing that counts as one of them."""
    if type(value) is not bool and not isinstance(value, numpy.bool_):
        raise TypeError(f"{name} is {shown(value)}; expected True or False")
    return value


cdef int check_made(pylstm_status status, str what, size_t size) except -1:
    """As check, for a call that makes something of so many bytes."""
    if status == PYLSTM_NO_MEMORY:
        raise MemoryError(f"{what} takes {size / 1e6:.3g} MB, and so much cannot be had; expected more free memory")
    return check(status)


def memory_of(data):
    """Bytes that C programs need for the model of a file, for a stream of it, for one that is made for a batch, and for a batch
    on one thread."""
    cdef bytes file_bytes = owned_bytes("data", data)
    cdef pylstm_model *model
    cdef pylstm_error why
    cdef size_t needed
    cdef pylstm_status status = pylstm_model_size(<const char *>file_bytes, len(file_bytes), &needed, &why)
    if status == PYLSTM_OK:
        status = pylstm_model_create(<const char *>file_bytes, len(file_bytes), &model, &why)
    if status == PYLSTM_BAD_MODEL:
        raise ModelFileError(why.message.decode(errors="replace"))
    check(status)
    try:
        return needed, pylstm_stream_size(model), pylstm_stream_size_for_batch(model), pylstm_batch_size(model)
    finally:
        pylstm_model_destroy(model)


def read_model_file(data):
    """The metadata (str -> str) and the tensors (str -> float32 array) of a model file, container rules checked."""
    cdef bytes file_bytes = owned_bytes("data", data)
    cdef pylstm_model_file file
    cdef pylstm_tensor tensor
    cdef pylstm_error why
    cdef char key[PYLSTM_MAX_NAME + 1]
    cdef char value[PYLSTM_MAX_TEXT + 1]
    cdef Py_buffer target
    cdef int k
    if pylstm_model_file_open(&file, <const char *>file_bytes, len(file_bytes), &why) != PYLSTM_OK:
        raise ModelFileError(why.message.decode(errors="replace"))
    metadata = {}
    for k in range(file.container.n_metadata):
        pylstm_safetensors_metadata(&file.container, k, key, value)
        metadata[key.decode()] = value.decode()
    tensors = {}
    for k in range(file.container.n_tensors):
        pylstm_safetensors_tensor(&file.container, k, &tensor)
        array = numpy.empty([tensor.shape[axis] for axis in range(tensor.rank)], numpy.float32)
        PyObject_GetBuffer(array, &target, PyBUF_SIMPLE | PyBUF_WRITABLE)
        pylstm_tensor_read(&tensor, <float *>target.buf)
        PyBuffer_Release(&target)
        tensors[tensor.name.decode()] = array
    return metadata, tensors


@cython.final
cdef class Core:
    """A packed, immutable model made from the bytes of a model file."""

    cdef pylstm_model *model
    cdef pylstm_workspace_pool *workspaces  # for sessions that are pushed alone: they hold their state and nothing else
    cdef object __weakref__

    def __cinit__(self, data):
        cdef pylstm_error why
        cdef pylstm_status status
        cdef bytes file_bytes = owned_bytes("data", data)
        cdef const char *start = file_bytes
        cdef size_t size = len(file_bytes)
        with nogil:
            status = pylstm_model_create(start, size, &self.model, &why)
        if status == PYLSTM_BAD_MODEL:
            raise ModelFileError(why.message.decode(errors="replace"))
        if status == PYLSTM_NO_MEMORY:
            raise MemoryError(why.message.decode(errors="replace"))
        if status != PYLSTM_OK:
            raise ValueError(why.message.decode(errors="replace"))
        self.workspaces = pylstm_workspace_pool_create(self.model)
        if self.workspaces == NULL:
            raise MemoryError()

    def __dealloc__(self):
        pylstm_workspace_pool_destroy(self.workspaces)
        pylstm_model_destroy(self.model)

    cdef int prepare(self) except -1:
        """Sees to it that a thread alone need not wait for working memory when it pushes."""
        cdef bint prepared = pylstm_workspace_pool_prepare(self.workspaces)
        return check_made(PYLSTM_OK if prepared else PYLSTM_NO_MEMORY, "what streams are pushed in", self.working_bytes)

    @property
    def sample_rate(self):
        return pylstm_model_sample_rate(self.model)

    @property
    def hop_length(self):
        return pylstm_model_hop_length(self.model)

    @property
    def first_sample(self):
        return pylstm_model_first_sample(self.model)

    @property
    def n_features(self):
        return pylstm_model_n_features(self.model)

    @property
    def n_outputs(self):
        return pylstm_model_n_outputs(self.model)

    @property
    def latency(self):
        return pylstm_model_latency(self.model)

    @property
    def output_parts(self):
        """The parts of a row of output: a list of (name, start, size)."""
        cdef pylstm_output_part part
        cdef list parts = []
        while pylstm_model_output_part(self.model, len(parts), &part) == PYLSTM_OK:
            parts.append((part.name.decode(), part.start, part.size))
        return parts

    @property
    def isa(self):
        return pylstm_model_isa(self.model).decode()

    @property
    def state_bytes(self):
        """What a stream holds, in bytes."""
        return pylstm_stream_size_for_batch(self.model)

    @property
    def stream_bytes(self):
        """What a `Stream` takes, in bytes."""
        return self.state_bytes + 256  # the Python object, and what malloc adds

    @property
    def working_bytes(self):
        """What a call that runs a stream by itself borrows, in bytes."""
        return pylstm_stream_size(self.model) - pylstm_stream_size_for_batch(self.model)

    @property
    def nodes(self):
        """The layers with what they give: a list of GraphNode."""
        cdef pylstm_node_info node
        cdef list nodes = []
        while pylstm_model_node(self.model, len(nodes), &node) == PYLSTM_OK:
            nodes.append(GraphNode(node.name.decode(), node.kind.decode(), node.positions, node.channels, node.first,
                                   node.period, node.look, node.state_size))
        return nodes

    @property
    def state_parts(self):
        """What a stream's layers remember: a list of LayerPart."""
        cdef pylstm_layer_part part
        cdef list parts = []
        while pylstm_model_state_part(self.model, len(parts), &part) == PYLSTM_OK:
            parts.append(layer_part(&part))
        return parts

    @property
    def trace_parts(self):
        """What the layers show of a frame: a list of LayerPart."""
        cdef pylstm_layer_part part
        cdef list parts = []
        while pylstm_model_trace_part(self.model, len(parts), &part) == PYLSTM_OK:
            parts.append(layer_part(&part))
        return parts

    def detector_settings(self):
        """threshold, smoothing_frames, refractory_frames, background; ValueError where a note is
        missing or malformed."""
        cdef pylstm_error why
        cdef double threshold
        cdef int smoothing_frames, refractory_frames
        cdef const char *note
        if pylstm_model_detector(self.model, &threshold, &smoothing_frames, &refractory_frames, &why) != PYLSTM_OK:
            raise ValueError(why.message.decode(errors="replace"))
        background = [
            pylstm_model_label(self.model, k).decode()
            for k in range(self.n_outputs) if pylstm_model_is_background(self.model, k)
        ]
        note = pylstm_model_info(self.model, "detector.background")
        if note != NULL:  # its order, as ever
            names = [name.strip(" \t") for name in note.decode().split(",")]
            background.sort(key=lambda label: names.index(label) if label in names else len(names))
        return threshold, smoothing_frames, refractory_frames, background


cdef object layer_part(const pylstm_layer_part *part):
    return LayerPart(part.kind.decode(), part.name.decode(), part.layer, part.cell, part.offset, part.size)


def _restored(model, snapshot):
    """Makes the stream that a pickle holds."""
    stream = model.stream()
    stream.restore(snapshot)
    return stream


cdef list cells_of(list parts):
    """Parts, as a list for each cell."""
    return [list(cell) for _, cell in itertools.groupby(parts, lambda part: (part.layer, part.cell))]


include "_c_api.pxi"
include "_conversion_hints.pxi"
include "_array_arguments.pxi"
include "_scale.pxi"
include "_session.pxi"
include "_stream.pxi"
include "_recording.pxi"
include "_decision.pxi"
include "_row_listener.pxi"
include "_listener.pxi"
include "_slots.pxi"
include "_pool.pxi"
include "_listener_pool.pxi"
