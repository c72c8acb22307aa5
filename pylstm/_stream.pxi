# One stream. Part of _engine.pyx.

cdef pylstm_row_taker NOBODY  # rows go nowhere but to `out`


cdef inline pylstm_push push_of(pylstm_stream *stream, const pylstm_hearing *part) noexcept nogil:
    """A part as one of a stream."""
    cdef pylstm_push push
    push.stream, push.type, push.data, push.n, push.stride = stream, part.type, part.data, part.n, part.stride
    push.out, push.out_rows, push.rows, push.status = part.out, part.out_rows, 0, PYLSTM_OK
    return push


@cython.final
cdef class Stream(Session):
    """The state of one source of audio that runs through a model. Made by ``Model.stream()`` or ``MFCC.stream()``.

    Feed it with audio (``push``) or with frames computed elsewhere (``push_frames``); whatever the cut, the rows that come out
    are the same, bit for bit. Its whole state can be saved and copied: ``snapshot``, ``restore``, ``fork``, ``pickle``.

    One thread at a time may call it: a second one gets `StreamBusyError` at once. Different streams of one model run in
    parallel; the GIL is released while the engine works. A call that raises has changed nothing.
    """

    cdef pylstm_stream *stream

    def __cinit__(self, Core core not None, model=None):
        self.core = core
        self.model = model
        self.n_outputs = pylstm_model_n_outputs(core.model)
        core.prepare()
        check_made(pylstm_stream_create_for_batch(core.model, &self.stream), "a stream",
                   pylstm_stream_size_for_batch(core.model))
        self.watch_scale(True)

    def __dealloc__(self):
        pylstm_stream_destroy(self.stream)

    def __reduce__(self):
        return _restored, (self.model, self.snapshot())

    cdef pylstm_stream *usable(self) except NULL:
        self.check_usable()
        return self.stream

    cdef int due(self, pylstm_hearing *part, int64_t *rows) except -1:
        if part.type == PYLSTM_FRAMES:
            check(pylstm_stream_frame_rows_due(self.usable(), part.n, False, rows))
        else:
            rows[0] = self.count(part.n, False)
        return 0

    cdef pylstm_status take(self, pylstm_hearing *part) noexcept nogil:
        return self.take_traced(part, NULL)

    cdef pylstm_status take_traced(self, pylstm_hearing *part, float *trace) noexcept nogil:
        cdef pylstm_push push = push_of(self.stream, part)
        cdef pylstm_status status
        cdef const pylstm_workspace *workspace = borrowed(self.core)
        if workspace == NULL:
            return PYLSTM_NO_MEMORY
        status = pylstm_push_through(&push, NOBODY, trace, workspace)
        pylstm_workspace_give_back(workspace)
        part.rows = push.rows
        return status

    cdef pylstm_status end(self, float *out, size_t out_rows, size_t *rows) noexcept nogil:
        cdef pylstm_status status
        cdef const pylstm_workspace *workspace = borrowed(self.core)
        if workspace == NULL:
            return PYLSTM_NO_MEMORY
        status = pylstm_flush_through(self.stream, out, out_rows, rows, NOBODY, workspace)
        pylstm_workspace_give_back(workspace)
        return status

    cdef pylstm_status set_watch(self, bint watch) noexcept nogil:
        return pylstm_stream_watch_scale(self.stream, watch)

    cdef pylstm_status to_beginning(self) noexcept nogil:
        return pylstm_stream_reset(self.stream)

    cdef int64_t count(self, Py_ssize_t n_samples, bint flush) except -1:
        cdef int64_t rows
        check(pylstm_stream_rows_due(self.usable(), n_samples, flush, &rows))
        return rows

    def rows(self, n_samples, *, flush=False):
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
        return self.count(whole("n_samples", n_samples, 0, sys.maxsize), flag("flush", flush))

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
        return self.through(pcm, out, 1)

    cdef object through(self, object value, object out, int ndim):
        cdef pylstm_hearing part
        cdef Opened opened
        memset(&part, 0, sizeof(part))
        memset(&opened, 0, sizeof(opened))
        try:
            whole_out, result = self.open_part(&part, &opened, value, out, ndim, True)
            self.complete(&part, &opened, "pcm" if ndim == 1 else "frames")
            if part.rows != <size_t>opened.rows:  # another thread pushed since the rows were counted
                result = first_rows(whole_out, &opened.target, part.rows)
        finally:
            close_buffers(&opened)
        return result

    def push_frames(self, frames, out=None):
        """Takes frames computed elsewhere and gives the rows that they complete: one each, unless layers skip or look ahead.

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
        return self.through(frames, out, 2)

    def trace(self, frames):
        """As `push_frames`, with every gate as the engine used it: what the cells of each layer show.

        Parameters
        ----------
        frames : array, shape (T, n_features), float32

        Returns
        -------
        rows : array, shape (rows, n_outputs), float32
        gates : list of array, shape (T, n_parts, size), float32
            Zeros for a frame for which a layer takes no step. One per cell that shows something, first layer first. Of an LSTM
            cell, (T, 6, hidden_size): along axis 1 input gate i, forget gate f, candidate g, output gate o, and after the step
            long-term memory c and short-term memory h. Of a cell whose parts differ in width, as with a projection, a tuple of
            arrays (T, size) instead.
        """
        cdef pylstm_hearing part
        cdef Opened opened
        cdef Py_buffer traced
        cdef pylstm_status status
        cdef Py_ssize_t width = pylstm_model_trace_width(self.core.model)
        memset(&part, 0, sizeof(part))
        memset(&opened, 0, sizeof(opened))
        try:
            _, rows = self.open_part(&part, &opened, frames, None, 2, True)
            flat = numpy.empty((part.n, width), numpy.float32)
            open_out(flat, &traced, part.n, width)
            with nogil:
                status = self.take_traced(&part, <float *>traced.buf if width else NULL)
            PyBuffer_Release(&traced)
            if status == PYLSTM_NOT_FINITE:
                raise not_finite(&opened.source, "frames")
        finally:
            close_buffers(&opened)
        settle(status)
        gates = []
        for cell in cells_of(self.core.trace_parts):
            parts = tuple(flat[:, gate.offset : gate.offset + gate.size] for gate in cell)
            alike = len({gate.size for gate in cell}) == 1
            gates.append(numpy.stack(parts, axis=1) if alike else parts)
        return rows, gates

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
        cdef Opened opened
        cdef pylstm_status status
        cdef size_t rows = 0
        cdef int64_t expected = self.count(0, True)
        memset(&opened, 0, sizeof(opened))
        try:
            whole_out, result = self.open_rows(&opened, out, expected)
            with nogil:
                status = self.end(<float *>opened.target.buf, opened.target.shape[0], &rows)
            if status == PYLSTM_OK and rows != <size_t>expected:  # another thread pushed since the rows were counted
                result = first_rows(whole_out, &opened.target, rows)
        finally:
            close_buffers(&opened)
        settle(status)
        return result

    def reset(self):
        """Resets the stream to its beginning, as if just made."""
        self.begin_again()

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
        """A row comes out once so many samples are in after the time that it stands for: see `Model.latency`."""
        return pylstm_model_latency(self.core.model)

    @property
    def position(self):
        """Samples taken since the last reset (frames, for a stream fed with frames)."""
        return pylstm_stream_position(self.usable())

    @property
    def frames(self):
        """Rows given since the last reset."""
        return pylstm_stream_rows_written(self.usable())
