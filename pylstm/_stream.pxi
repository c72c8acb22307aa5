# One stream. Part of _engine.pyx.

@cython.final
cdef class Stream:
    """The state of one source of audio that runs through a model. Made by ``Model.stream()`` or ``MFCC.stream()``.

    Feed it with audio (``push``) or with frames computed elsewhere (``push_frames``); whatever the cut, the rows that come out
    are the same, bit for bit. Its whole state can be saved and copied: ``snapshot``, ``restore``, ``fork``, ``pickle``.

    One thread at a time may call it: a second one gets `StreamBusyError` at once. Different streams of one model run in
    parallel; the GIL is released while the engine works. A call that raises has changed nothing.
    """

    cdef pylstm_stream *stream
    cdef Py_ssize_t n_outputs
    cdef object left  # the slot of a pool that the stream had, once its user has left; None: it is no such stream
    cdef bint watches_scale
    cdef Core core
    cdef readonly object model
    """The `Model` (or `MFCC`, `LogMel`) that the stream belongs to."""
    cdef object __weakref__

    def __cinit__(self, Core core not None, model=None):
        self.core = core
        self.model = model
        self.n_outputs = pylstm_model_n_outputs(core.model)
        check_made(pylstm_stream_create(core.model, &self.stream), "a stream", pylstm_stream_size(core.model))
        self.watch_scale(True)

    def __dealloc__(self):
        pylstm_stream_destroy(self.stream)

    def __reduce__(self):
        return _restored, (self.model, self.snapshot())

    cdef pylstm_stream *usable(self) except NULL:
        """The stream; ValueError if it was the slot of a pool whose user has left."""
        if self.left is not None:
            raise ValueError(f"the stream is that of slot {self.left} before it left the pool; expected the one that"
                             f" pool[{self.left}] gives after join()")
        return self.stream

    cdef int64_t count(self, Py_ssize_t n_samples, bint flush) except -1:
        cdef int64_t rows
        check(pylstm_stream_rows_due(self.usable(), n_samples, flush, &rows))
        return rows

    def rows(self, n_samples, *, bint flush=False):
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
        return self.count(whole("n_samples", n_samples, 0, sys.maxsize), flush)

    def push(self, pcm, out=None):
        """Takes audio and gives a row for every frame that it completes.

        Parameters
        ----------
        pcm : array, shape (n,), float32 or int16
            One channel at the model's sample rate, any number of samples (none, too), any stride. float32 has the nominal range
            -1 to 1; int16 is divided by 32768. It is read where it is, without a copy: another thread that writes into it
            meanwhile changes the rows, but NaN that comes after the check counts as 0, so that the stream stays sound.
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
            A wrong shape, NaN or infinity in `pcm`, too few rows in `out`, a flushed stream, a stream fed with frames, or the
            stream of a slot that has left its pool since.
        StreamBusyError
            Another thread is inside a call on this stream, or was when this process was forked: then `reset` it.

        Warns
        -----
        RuntimeWarning
            A float sample is beyond 16, so that these are probably 16-bit values, in which a model hears nothing: the message
            says what to divide by. Once a stream, until `reset`. The samples are taken, unless the warning is made an error.
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
                result = first_rows(out, &target, expected)
                while True:
                    with nogil:
                        status = pylstm_stream_push(self.stream, <pylstm_sample_type>kind, source.buf, source.shape[0],
                                                    step(&source, 0), <float *>target.buf, target.shape[0], &rows)
                    if status != PYLSTM_OFF_SCALE:
                        break
                    self.warn_off_scale(off_scale(&source, "pcm"), 1)
                if status == PYLSTM_OK and rows != <size_t>expected:  # another thread pushed since the rows were counted
                    result = first_rows(out, &target, rows)
            finally:
                PyBuffer_Release(&target)
            if status == PYLSTM_NOT_FINITE:
                raise not_finite(&source, "pcm")
        finally:
            PyBuffer_Release(&source)
        self.settle(status)
        return result

    cdef int watch_scale(self, bint watch) except -1:
        check(pylstm_stream_watch_scale(self.stream, watch))
        self.watches_scale = watch
        return 0

    cdef int warn_off_scale(self, str text, int stacklevel) except -1:
        """Warns of samples that the stream refused, after which it takes them; where the warning is an error, it does not."""
        self.watch_scale(False)  # before the warning, which may run code that pushes into this stream
        text += ". They are taken as they are; this is said once a stream"
        try:
            warnings.warn(text, RuntimeWarning, stacklevel=stacklevel)
        except BaseException:
            self.watch_scale(True)
            raise
        return 0

    cdef int settle(self, pylstm_status status) except -1:
        if status == PYLSTM_OUT_TOO_SMALL:
            status = PYLSTM_BUSY  # there was room when the rows were counted: another thread pushed in between
        return check(status)

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
        return self.frames_through(frames, out, None)

    def trace(self, frames):
        """As `push_frames`, with every gate as the engine used it: what the cells of each layer show.

        Parameters
        ----------
        frames : array, shape (T, n_features), float32

        Returns
        -------
        rows : array, shape (T, n_outputs), float32
        gates : list of array, shape (T, n_parts, size), float32
            One per cell that shows something, first layer first. Of an LSTM cell, (T, 6, hidden_size): along axis 1 input gate
            i, forget gate f, candidate g, output gate o, and after the step long-term memory c and short-term memory h.
        """
        traces, gates = [], []
        rows = self.frames_through(frames, None, traces)
        flat = traces[0]
        for cell in cells_of(self.core.trace_parts):
            gates.append(numpy.stack([flat[:, part.offset : part.offset + part.size] for part in cell], axis=1))
        return rows, gates

    cdef object frames_through(self, object frames, object out, list traces):
        cdef Py_buffer source, target, traced
        cdef pylstm_status status
        cdef Py_ssize_t n_features = pylstm_model_n_features(self.core.model), n_frames, width
        cdef size_t rows = 0
        cdef bint given = out is not None
        cdef float *gates = NULL
        self.usable()
        open_input(frames, &source, "frames", 2, False)
        if source.shape[1] > 1 and step(&source, 1) != sizeof(float):
            PyBuffer_Release(&source)  # rows with gaps inside, such as a transposed array: one copy straightens them
            frames = numpy.ascontiguousarray(frames)
            open_input(frames, &source, "frames", 2, False)
        n_frames = source.shape[0]
        try:
            if source.shape[1] != n_features:
                raise ValueError(wrong_width(frames, n_features))
            if not given:
                out = numpy.empty((n_frames, self.n_outputs), numpy.float32)
            open_out(out, &target, n_frames, self.n_outputs)
            try:
                if given and overlap(&source, &target):
                    raise ValueError("out overlaps frames in memory; expected an array of its own")
                result = first_rows(out, &target, n_frames)
                if traces is not None:
                    width = pylstm_model_trace_width(self.core.model)
                    traces.append(numpy.empty((n_frames, width), numpy.float32))
                    open_out(traces[0], &traced, n_frames, width)
                    if width:
                        gates = <float *>traced.buf
                with nogil:
                    status = pylstm_stream_trace_frames(self.stream, <const float *>source.buf, n_frames, step(&source, 0),
                                                        <float *>target.buf, target.shape[0], &rows, gates)
                if traces is not None:
                    PyBuffer_Release(&traced)
            finally:
                PyBuffer_Release(&target)
            if status == PYLSTM_NOT_FINITE:
                raise not_finite(&source, "frames")
        finally:
            PyBuffer_Release(&source)
        self.settle(status)
        return result

    def flush(self, out=None):
        """Ends the audio: pads it as the features say and gives the rows that were still waiting.

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
        try:
            result = first_rows(out, &target, expected)
            with nogil:
                status = pylstm_stream_flush(self.stream, <float *>target.buf, target.shape[0], &rows)
            if status == PYLSTM_OK and rows != <size_t>expected:  # another thread pushed since the rows were counted
                result = first_rows(out, &target, rows)
        finally:
            PyBuffer_Release(&target)
        self.settle(status)
        return result

    def reset(self):
        """Resets the stream to its beginning, as if just made."""
        cdef pylstm_stream *stream = self.usable()
        self.watch_scale(True)  # first: where this is refused, nothing has been reset
        check(pylstm_stream_reset(stream))

    def fork(self):
        """A new stream of the same model in the same state; from here on the two are independent.

        Returns
        -------
        Stream
        """
        cdef pylstm_stream *stream = self.usable()
        cdef Stream other = Stream(self.core, self.model)
        check(pylstm_stream_copy(other.stream, stream))
        other.watch_scale(self.watches_scale)
        return other

    def snapshot(self):
        """Everything that the stream remembers, as bytes that `restore` takes, here or on another machine.

        Returns
        -------
        bytes
        """
        cdef pylstm_stream *stream = self.usable()
        cdef bytearray value = bytearray(pylstm_snapshot_size(self.core.model))
        cdef Py_buffer target
        PyObject_GetBuffer(value, &target, PyBUF_SIMPLE | PyBUF_WRITABLE)
        cdef pylstm_status status = pylstm_stream_snapshot(stream, target.buf, target.len)
        PyBuffer_Release(&target)
        check(status)
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
        cdef bytes value = owned_bytes("snapshot", snapshot)
        cdef pylstm_status status = pylstm_stream_restore(self.usable(), <const char *>value, len(value))
        check(status)

    @property
    def state(self):
        """The memories of the cells, first layer first: a list with a tuple of arrays, float32, copies, for each that has any.

        Of an LSTM cell (h, c), each of shape (hidden_size,). Assign such a list to set them; values must be finite.
        """
        cdef Py_buffer view
        cdef pylstm_status status
        cdef pylstm_stream *stream = self.usable()
        values = numpy.empty(pylstm_model_state_width(self.core.model), numpy.float32)
        PyObject_GetBuffer(values, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
        status = pylstm_stream_get_state(stream, <float *>view.buf, values.size)
        PyBuffer_Release(&view)
        check(status)
        return [
            tuple([values[part.offset : part.offset + part.size].copy() for part in cell])
            for cell in cells_of(self.core.state_parts)
        ]

    @state.setter
    def state(self, memories):
        cdef Py_buffer view
        cdef pylstm_status status
        cdef pylstm_stream *stream = self.usable()
        cells = cells_of(self.core.state_parts)
        tuples = as_tuple(memories, "state", "a list of tuples, one for each cell that remembers")
        if len(tuples) != len(cells):
            raise ValueError(f"state has {number_of(len(tuples), 'tuple')}; expected {len(cells)}, one a cell that remembers")
        # copies, checked: nobody else can change them
        values = numpy.empty(pylstm_model_state_width(self.core.model), numpy.float32)
        PyObject_GetBuffer(values, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
        try:
            for place, (memory, parts) in enumerate(zip(tuples, cells)):
                expected = f"{'a pair' if len(parts) == 2 else 'a tuple'} ({', '.join(part.name for part in parts)})"
                memory = as_tuple(memory, f"state of cell {place}", expected)
                if len(memory) != len(parts):
                    raise ValueError(f"state of cell {place} has {number_of(len(memory), 'item')}; expected {expected}")
                for part, value in zip(parts, memory):
                    copy_memory(value, f"{part.name} of cell {place}", <float *>view.buf + <size_t>part.offset, part.size)
            status = pylstm_stream_set_state(stream, <const float *>view.buf, values.size)
        finally:
            PyBuffer_Release(&view)
        check(status)

    @state.deleter
    def state(self):
        raise AttributeError("state cannot be deleted; reset() forgets everything")

    def __repr__(self):
        if self.left is not None:
            return f"Stream(of slot {self.left}, which has left its pool)"
        return f"Stream(position={self.position}, frames={self.frames}, n_outputs={self.n_outputs})"

    @property
    def latency(self):
        """The row of frame t comes out once t * hop_length + latency samples are in."""
        return pylstm_model_latency(self.core.model)

    @property
    def position(self):
        """Samples taken since the last reset (frames, for a stream fed with frames)."""
        return pylstm_stream_position(self.usable())

    @property
    def frames(self):
        """Rows given since the last reset."""
        return pylstm_stream_rows_written(self.usable())
