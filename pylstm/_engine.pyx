"""The C core's face: buffers in, arrays out, the GIL released while the core works.

Everything is checked here once, at the door; the core then runs on plain pointers.
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
from libc.math cimport isfinite
from libc.stdint cimport int64_t
from libc.string cimport memcpy

import sys

import numpy


class ModelFileError(ValueError):
    """A model file, or bytes that should be one, breaks a rule; the message begins with the rule's name."""

    __module__ = "pylstm"


class StreamBusyError(RuntimeError):
    """A stream was called while another thread is inside a call on it. Nothing was changed."""

    __module__ = "pylstm"


def isa():
    """The instruction set that a model made now would use; ValueError if PYLSTM_ISA names one that cannot run here."""
    cdef pylstm_error why
    cdef const char *name = pylstm_isa(&why)
    if name == NULL:
        raise ValueError(why.message.decode())
    return name.decode()


def isas():
    """Instruction set -> (in this build, runs on this machine)."""
    return {
        name: (pylstm_isa_built(name.encode()), pylstm_isa_supported(name.encode()))
        for name in ("avx512", "avx2", "neon", "scalar")
    }


def version():
    """The version of the C core."""
    return pylstm_version().decode()


cdef object refusal(pylstm_status status):
    """The exception for a status that a call on a stream returned."""
    text = pylstm_strerror(status).decode()
    if status == PYLSTM_BUSY:
        return StreamBusyError(text)
    if status == PYLSTM_NO_MEMORY:
        return MemoryError(text)
    return ValueError(text)


def read_model_file(data):
    """The metadata (str -> str) and the tensors (str -> float32 array) of a model file, container rules checked."""
    cdef pylstm_modelfile file
    cdef pylstm_tensor tensor
    cdef pylstm_error why
    cdef char key[129]
    cdef char value[4097]
    cdef Py_buffer view, target
    cdef int k
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if pylstm_modelfile_open(&file, view.buf, view.len, &why) != PYLSTM_OK:
            raise ModelFileError(why.message.decode(errors="replace"))
        metadata = {}
        for k in range(file.n_metadata):
            pylstm_modelfile_metadata_at(&file, k, key, value)
            metadata[key.decode()] = value.decode()
        tensors = {}
        for k in range(file.n_tensors):
            pylstm_modelfile_tensor_at(&file, k, &tensor)
            array = numpy.empty([tensor.shape[axis] for axis in range(tensor.rank)], numpy.float32)
            PyObject_GetBuffer(array, &target, PyBUF_SIMPLE | PyBUF_WRITABLE)
            pylstm_tensor_read(&tensor, <float *>target.buf)
            PyBuffer_Release(&target)
            tensors[tensor.name.decode()] = array
        return metadata, tensors
    finally:
        PyBuffer_Release(&view)


@cython.final
cdef class Core:
    """A packed, immutable model made from the bytes of a model file."""

    cdef pylstm_model *model
    cdef object __weakref__

    def __cinit__(self, data):
        cdef pylstm_error why
        cdef pylstm_status status
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        with nogil:
            status = pylstm_model_create(view.buf, view.len, &self.model, &why)
        PyBuffer_Release(&view)
        if status == PYLSTM_BAD_MODEL:
            raise ModelFileError(why.message.decode(errors="replace"))
        if status == PYLSTM_NO_MEMORY:
            raise MemoryError(why.message.decode())
        if status != PYLSTM_OK:
            raise ValueError(why.message.decode())

    def __dealloc__(self):
        pylstm_model_destroy(self.model)

    @property
    def sample_rate(self):
        return pylstm_model_sample_rate(self.model)

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
    def isa(self):
        return pylstm_model_isa(self.model).decode()

    @property
    def hidden_sizes(self):
        """hidden_size of every LSTM cell, first layer first."""
        cdef int cell
        return [pylstm_model_hidden_size(self.model, cell) for cell in range(pylstm_model_cells(self.model))]


# What a buffer holds, as far as the engine cares.
cdef enum:
    OTHER = -1


cdef int sample_type(Py_buffer *view) noexcept:
    cdef const char *format = view.format
    if format == NULL:
        return OTHER
    if format[0] in (b"=", b"@") or (format[0] == b"<" and LITTLE_ENDIAN) or (format[0] == b">" and not LITTLE_ENDIAN):
        format += 1
    if format[0] == b"f" and format[1] == 0 and view.itemsize == 4:
        return PYLSTM_FLOAT32
    if format[0] == b"h" and format[1] == 0 and view.itemsize == 2:
        return PYLSTM_INT16
    return OTHER


cdef bint LITTLE_ENDIAN = sys.byteorder == "little"


cdef object described(object value):
    """What came, in words: its dtype and shape where it has them."""
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is None:
        return type(value).__name__
    return f"{dtype} with shape {shape}"


cdef int open_input(object value, Py_buffer *view, str name, int ndim, bint int16_allowed) except -1:
    """Opens a buffer of samples or frames for reading, or raises; the caller releases it."""
    cdef int kind
    expected = f"{name} is {{}}; expected a NumPy array of float32{' or int16' if int16_allowed else ''}"
    try:
        PyObject_GetBuffer(value, view, PyBUF_RECORDS_RO)
    except (TypeError, BufferError, ValueError):
        raise TypeError(expected.format(described(value))) from None
    kind = sample_type(view)
    if kind == OTHER or (kind == PYLSTM_INT16 and not int16_allowed):
        PyBuffer_Release(view)
        raise TypeError(f"{expected.format(described(value))}: convert it, for example with .astype(numpy.float32)")
    if view.ndim != ndim:
        PyBuffer_Release(view)
        hint = "one channel, 1-D: pick one (audio[:, 0]) or mix them" if ndim == 1 else "2-D, (frames, n_features)"
        raise ValueError(f"{name} is {described(value)}; expected {hint}")
    return kind


cdef int open_out(object out, Py_buffer *view, Py_ssize_t rows, Py_ssize_t n_outputs) except -1:
    """Opens the caller's array for the rows, or raises; the caller releases it."""
    expected = f"expected a writable C-contiguous float32 array of shape (at least {rows}, {n_outputs})"
    try:
        PyObject_GetBuffer(out, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    except (TypeError, BufferError, ValueError):
        raise (TypeError if getattr(out, "dtype", None) is None else ValueError)(
            f"out is {described(out)} but not writable and C-contiguous; {expected}") from None
    if sample_type(view) != PYLSTM_FLOAT32:
        PyBuffer_Release(view)
        raise TypeError(f"out is {described(out)}; {expected}")
    if view.ndim != 2 or view.shape[1] != n_outputs or view.shape[0] < rows:
        PyBuffer_Release(view)
        raise ValueError(f"out is {described(out)}; {expected}")
    return 0


cdef bint overlap(Py_buffer *source, Py_buffer *target) noexcept:
    """Whether writing the target could change the source while it is read. Strides may be negative."""
    cdef const char *low = <const char *>source.buf
    cdef const char *high = low + source.itemsize
    cdef const char *out = <const char *>target.buf
    cdef int axis
    for axis in range(source.ndim):
        if source.shape[axis] == 0:
            return False
        if source.strides[axis] < 0:
            low += source.strides[axis] * (source.shape[axis] - 1)
        else:
            high += source.strides[axis] * (source.shape[axis] - 1)
    return target.len > 0 and out < high and low < out + target.len


cdef object not_finite(Py_buffer *view, str name):
    """The refusal of NaN or infinity, saying where the first one stands."""
    cdef const char *row
    cdef float value
    cdef Py_ssize_t k, j, columns = view.shape[1] if view.ndim == 2 else 1
    for k in range(view.shape[0]):
        row = <const char *>view.buf + k * view.strides[0]
        for j in range(columns):
            memcpy(&value, row + (j * view.strides[1] if view.ndim == 2 else 0), sizeof(float))
            if not isfinite(value):
                where = f"[{k}, {j}]" if view.ndim == 2 else f"[{k}]"
                return ValueError(f"{name}{where} is {value}; expected finite values. Nothing of it was taken")
    return ValueError(f"{name} holds NaN or infinity. Nothing of it was taken")


@cython.final
cdef class Stream:
    """One source of audio on its way through a model. Made by ``Model.stream()`` or ``MFCC.stream()``.

    Feed it with audio (``push``) or with frames computed elsewhere (``push_frames``); whatever the cut, the rows that come out
    are the same, bit for bit. Everything that it remembers is a value: ``snapshot``, ``restore``, ``fork``, ``pickle``.

    One thread at a time may call it: a second one gets `StreamBusyError` at once. Different streams of one model run in
    parallel; the GIL is released while the engine works. A call that raises has changed nothing.
    """

    cdef pylstm_stream *stream
    cdef Py_ssize_t n_outputs
    cdef Core core
    cdef readonly object model
    """The `Model` (or `MFCC`, `LogMel`) that the stream belongs to."""
    cdef object __weakref__

    def __cinit__(self, Core core not None, model=None):
        self.core = core
        self.model = model
        self.n_outputs = pylstm_model_n_outputs(core.model)
        cdef pylstm_status status = pylstm_stream_create(core.model, &self.stream)
        if status != PYLSTM_OK:
            raise refusal(status)

    def __dealloc__(self):
        pylstm_stream_destroy(self.stream)

    def __reduce__(self):
        return _restored, (self.model, self.snapshot())

    cdef int64_t count(self, Py_ssize_t n_samples, bint flush) except -1:
        cdef int64_t rows
        cdef pylstm_status status = pylstm_stream_rows(self.stream, n_samples, flush, &rows)
        if status != PYLSTM_OK:
            raise refusal(status)
        return rows

    cdef object returned(self, object out, size_t rows):
        """The caller's array cut to the rows written; the very array if it is full, so that nothing is allocated."""
        if rows == <size_t>len(out):
            return out
        return out[:rows]

    def rows(self, Py_ssize_t n_samples, *, bint flush=False):
        """How many rows a push of so many samples would give now.

        Parameters
        ----------
        n_samples : int
            Samples of audio.
        flush : bool
            Count the rows of a flush after that push, too.

        Returns
        -------
        int
        """
        if n_samples < 0:
            raise ValueError(f"n_samples is {n_samples}; expected 0 or more")
        return self.count(n_samples, flush)

    def push(self, pcm, out=None):
        """Takes audio and gives a row for every frame that it completes.

        Parameters
        ----------
        pcm : array, shape (n,), float32 or int16
            One channel at the model's sample rate, any number of samples (none, too), any stride. float32 has the nominal range
            -1 to 1; int16 is divided by 32768.
        out : array, shape (at least rows, n_outputs), float32, optional
            Where to write instead of a new array: C-contiguous, writable, not overlapping `pcm`.

        Returns
        -------
        array, shape (rows, n_outputs), float32
            `out` itself if it is filled, else a view of its first rows.

        Raises
        ------
        TypeError
            `pcm` or `out` has another dtype.
        ValueError
            A wrong shape, NaN or infinity in `pcm`, too few rows in `out`, a flushed stream, or a stream fed with frames.
        StreamBusyError
            Another thread is inside a call on this stream.
        """
        cdef Py_buffer source, target
        cdef int kind = open_input(pcm, &source, "pcm", 1, True)
        cdef pylstm_status status
        cdef size_t rows = 0
        cdef int64_t expected
        cdef bint given = out is not None
        try:
            expected = self.count(source.shape[0], False)
            if not given:
                out = numpy.empty((expected, self.n_outputs), numpy.float32)
            open_out(out, &target, expected, self.n_outputs)
            try:
                if given and overlap(&source, &target):
                    raise ValueError("out overlaps pcm in memory; expected an array of its own")
                with nogil:
                    status = pylstm_stream_push(self.stream, <pylstm_sample_type>kind, source.buf, source.shape[0],
                                                source.strides[0], <float *>target.buf, target.shape[0], &rows)
            finally:
                PyBuffer_Release(&target)
            if status == PYLSTM_NOT_FINITE:
                raise not_finite(&source, "pcm")
        finally:
            PyBuffer_Release(&source)
        self.settle(status)
        return self.returned(out, rows)

    cdef int settle(self, pylstm_status status) except -1:
        if status == PYLSTM_OUT_TOO_SMALL:
            status = PYLSTM_BUSY  # there was room when the rows were counted: another thread pushed in between
        if status != PYLSTM_OK:
            raise refusal(status)
        return 0

    def push_frames(self, frames, out=None):
        """Takes frames computed elsewhere and gives one row for each.

        Parameters
        ----------
        frames : array, shape (T, n_features), float32
            What the first layer takes: for instance librosa's MFCC, transposed.
        out : array, shape (at least T, n_outputs), float32, optional
            Where to write instead of a new array.

        Returns
        -------
        array, shape (T, n_outputs), float32

        Raises
        ------
        TypeError, ValueError, StreamBusyError
            As in `push`. A stream takes audio or frames, not both.
        """
        return self.frames_through(frames, out, None)[0]

    def trace(self, frames):
        """As `push_frames`, with every gate as the engine used it.

        Parameters
        ----------
        frames : array, shape (T, n_features), float32

        Returns
        -------
        rows : array, shape (T, n_outputs), float32
        gates : list of array, shape (T, 6, hidden_size), float32
            One per LSTM cell, first layer first: along axis 1 input gate i, forget gate f, candidate g, output gate o, and
            after the step long-term memory c and short-term memory h.
        """
        cdef Py_ssize_t width = pylstm_model_trace_width(self.core.model)
        try:
            n_frames = len(frames)
        except TypeError:
            n_frames = 0  # refused below, with a message
        flat = numpy.zeros((n_frames, max(width, 1)), numpy.float32)
        rows, n_frames = self.frames_through(frames, None, flat if width else None)
        gates, first = [], 0
        for hidden_size in self.core.hidden_sizes:
            gates.append(flat[:, first : first + 6 * hidden_size].reshape(n_frames, 6, hidden_size).copy())
            first += 6 * hidden_size
        return rows, gates

    cdef tuple frames_through(self, object frames, object out, object trace):
        cdef Py_buffer source, target, traced
        cdef pylstm_status status
        cdef Py_ssize_t n_features = pylstm_model_n_features(self.core.model), n_frames
        cdef size_t rows = 0
        cdef bint given = out is not None
        cdef float *trace_values = NULL
        open_input(frames, &source, "frames", 2, False)
        if source.shape[1] > 1 and source.strides[1] != sizeof(float):
            PyBuffer_Release(&source)  # rows with gaps inside, such as a transposed array: one copy straightens them
            frames = numpy.ascontiguousarray(frames)
            open_input(frames, &source, "frames", 2, False)
        n_frames = source.shape[0]
        try:
            if source.shape[1] != n_features:
                raise ValueError(f"frames is {described(frames)}; expected shape (T, {n_features})")
            if not given:
                out = numpy.empty((n_frames, self.n_outputs), numpy.float32)
            open_out(out, &target, n_frames, self.n_outputs)
            try:
                if given and overlap(&source, &target):
                    raise ValueError("out overlaps frames in memory; expected an array of its own")
                if trace is not None:
                    PyObject_GetBuffer(trace, &traced, PyBUF_SIMPLE | PyBUF_WRITABLE)
                    trace_values = <float *>traced.buf
                with nogil:
                    status = pylstm_stream_trace_frames(self.stream, <const float *>source.buf, n_frames, source.strides[0],
                                                        <float *>target.buf, target.shape[0], &rows, trace_values)
                if trace is not None:
                    PyBuffer_Release(&traced)
            finally:
                PyBuffer_Release(&target)
            if status == PYLSTM_NOT_FINITE:
                raise not_finite(&source, "frames")
        finally:
            PyBuffer_Release(&source)
        self.settle(status)
        return self.returned(out, rows), n_frames

    def flush(self, out=None):
        """The end of the audio: pads it as the features say and gives the rows that were still waiting.

        Afterwards the stream takes nothing more until `reset` or `restore`.

        Parameters
        ----------
        out : array, shape (at least rows, n_outputs), float32, optional

        Returns
        -------
        array, shape (rows, n_outputs), float32

        Raises
        ------
        ValueError
            Deltas are on and fewer than 9 frames came, or the stream has been flushed already.
        """
        cdef Py_buffer target
        cdef pylstm_status status
        cdef size_t rows = 0
        cdef bint given = out is not None
        cdef int64_t expected = self.count(0, True)
        if not given:
            out = numpy.empty((expected, self.n_outputs), numpy.float32)
        open_out(out, &target, expected, self.n_outputs)
        with nogil:
            status = pylstm_stream_flush(self.stream, <float *>target.buf, target.shape[0], &rows)
        PyBuffer_Release(&target)
        self.settle(status)
        return self.returned(out, rows)

    def run(self, pcm, *, bint rewind=False):
        """A whole recording: push and flush into one array. rewind: twice, top_db then taken from the whole."""
        cdef Py_buffer source
        cdef pylstm_status status
        open_input(pcm, &source, "pcm", 1, True)
        n_samples = source.shape[0]
        PyBuffer_Release(&source)
        out = numpy.empty((self.count(n_samples, True), self.n_outputs), numpy.float32)
        n = len(self.push(pcm, out))
        self.flush(out[n:])
        if rewind:
            status = pylstm_stream_rewind(self.stream)
            if status != PYLSTM_OK:
                raise refusal(status)
            n = len(self.push(pcm, out))
            self.flush(out[n:])
        return out

    def reset(self):
        """Back to the beginning, as if just made."""
        cdef pylstm_status status = pylstm_stream_reset(self.stream)
        if status != PYLSTM_OK:
            raise refusal(status)

    def fork(self):
        """A new stream of the same model in the same state; from here on the two know nothing of each other.

        Returns
        -------
        Stream
        """
        cdef Stream other = Stream(self.core, self.model)
        cdef pylstm_status status = pylstm_stream_copy(other.stream, self.stream)
        if status != PYLSTM_OK:
            raise refusal(status)
        return other

    def snapshot(self):
        """Everything that the stream remembers, as bytes that `restore` takes, here or on another machine.

        Returns
        -------
        bytes
        """
        cdef bytearray value = bytearray(pylstm_snapshot_size(self.core.model))
        cdef Py_buffer target
        PyObject_GetBuffer(value, &target, PyBUF_SIMPLE | PyBUF_WRITABLE)
        cdef pylstm_status status = pylstm_stream_snapshot(self.stream, target.buf, target.len)
        PyBuffer_Release(&target)
        if status != PYLSTM_OK:
            raise refusal(status)
        return bytes(value)

    def restore(self, snapshot):
        """Continues where a snapshot of a stream of the same model was taken: bit for bit on the same kind of machine.

        Parameters
        ----------
        snapshot : bytes-like

        Raises
        ------
        ValueError
            The snapshot is of another model or version, or damaged. The stream is as it was.
        """
        cdef Py_buffer view
        cdef pylstm_status status
        try:
            PyObject_GetBuffer(snapshot, &view, PyBUF_SIMPLE)
        except (TypeError, BufferError):
            raise TypeError(f"snapshot is {type(snapshot).__name__}; expected bytes from Stream.snapshot()") from None
        status = pylstm_stream_restore(self.stream, view.buf, view.len)
        PyBuffer_Release(&view)
        if status != PYLSTM_OK:
            raise refusal(status)

    @property
    def state(self):
        """The memories of the LSTM cells, first layer first: a list of (h, c), each of shape (hidden_size,), float32, copies.

        Assign such a list to set them; values must be finite.
        """
        cdef Py_buffer h_view, c_view
        cdef pylstm_status status
        memories = []
        for cell, hidden_size in enumerate(self.core.hidden_sizes):
            h, c = numpy.empty(hidden_size, numpy.float32), numpy.empty(hidden_size, numpy.float32)
            PyObject_GetBuffer(h, &h_view, PyBUF_SIMPLE | PyBUF_WRITABLE)
            PyObject_GetBuffer(c, &c_view, PyBUF_SIMPLE | PyBUF_WRITABLE)
            status = pylstm_stream_get_cell(self.stream, cell, <float *>h_view.buf, <float *>c_view.buf)
            PyBuffer_Release(&h_view)
            PyBuffer_Release(&c_view)
            if status != PYLSTM_OK:
                raise refusal(status)
            memories.append((h, c))
        return memories

    @state.setter
    def state(self, memories):
        cdef Py_buffer h_view, c_view
        cdef pylstm_status status
        sizes = self.core.hidden_sizes
        checked = []
        memories = list(memories)
        if len(memories) != len(sizes):
            raise ValueError(f"state has {len(memories)} pairs (h, c); expected {len(sizes)}, one for each LSTM cell")
        for cell, (pair, hidden_size) in enumerate(zip(memories, sizes)):
            for name, value in zip("hc", pair, strict=True):
                if getattr(value, "dtype", None) != numpy.float32:
                    raise TypeError(f"{name} of cell {cell} is {described(value)}; expected a NumPy array of float32")
                if value.shape != (hidden_size,):
                    raise ValueError(f"{name} of cell {cell} is {described(value)}; expected shape ({hidden_size},)")
                if not numpy.isfinite(value).all():
                    raise ValueError(f"{name} of cell {cell} holds NaN or infinity; expected finite values")
            checked.append(tuple(numpy.ascontiguousarray(value) for value in pair))
        for cell, (h, c) in enumerate(checked):
            PyObject_GetBuffer(h, &h_view, PyBUF_SIMPLE)
            PyObject_GetBuffer(c, &c_view, PyBUF_SIMPLE)
            status = pylstm_stream_set_cell(self.stream, cell, <float *>h_view.buf, <float *>c_view.buf)
            PyBuffer_Release(&h_view)
            PyBuffer_Release(&c_view)
            if status != PYLSTM_OK:
                raise refusal(status)

    @property
    def latency(self):
        """The row of frame t comes out once t * hop_length + latency samples are in."""
        return pylstm_model_latency(self.core.model)

    @property
    def position(self):
        """Samples taken since the last reset (frames, for a stream fed with frames)."""
        return pylstm_stream_position(self.stream)

    @property
    def frames(self):
        """Rows given since the last reset."""
        return pylstm_stream_frames(self.stream)


def _restored(model, snapshot):
    """A pickled stream comes back."""
    stream = model.stream()
    stream.restore(snapshot)
    return stream
