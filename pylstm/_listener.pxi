# A stream and its decision in one state. Part of _engine.pyx.

@cython.final
cdef class Listener(Session):
    """One source of audio that runs through a model, and the decision on its posteriors, in one state. Made by
    ``Model.listener()``.

    Feed it with audio (``push``) or with frames computed elsewhere (``push_frames``): it gives events, whose times and scores
    are the same, bit for bit, however the audio is cut. Its whole state can be saved and copied: ``snapshot``, ``restore``,
    ``fork``, ``pickle``.

    One thread at a time may call it: a second one gets `StreamBusyError` at once. Different listeners of one model run in
    parallel; the GIL is released while the engine works. A call that raises has changed nothing.
    """

    cdef pylstm_listener *listener
    cdef Decision decides

    def __cinit__(self, Core core not None, model, Decision decision not None):
        if decision.core is not core:
            raise ValueError("the decision is that of another model; expected one that Decision.for_model gives for this one")
        self.core = core
        self.model = model
        self.decides = decision
        self.n_outputs = pylstm_model_n_outputs(core.model)
        core.prepare()
        check_made(pylstm_listener_create_for_batch(decision.decision, &self.listener), "a listener",
                   pylstm_listener_size_for_batch(decision.decision))
        self.watch_scale(True)

    def __dealloc__(self):
        pylstm_listener_destroy(self.listener)

    def __reduce__(self):
        return _restored_listener, (self.model, self.decides.given, self.snapshot())

    cdef int due(self, pylstm_hearing *part, int64_t *rows) except -1:
        cdef uint64_t n_rows, n_events
        check(pylstm_listener_due(self.listener, part.type, part.n, False, &n_rows, &n_events))
        rows[0] = n_rows
        part.max_events = n_events
        return 0

    cdef pylstm_status take(self, pylstm_hearing *part) noexcept nogil:
        cdef pylstm_status status
        cdef const pylstm_workspace *workspace = borrowed(self.core)
        if workspace == NULL:
            return PYLSTM_NO_MEMORY
        part.listener = self.listener
        status = pylstm_listener_push_in(workspace, part)
        pylstm_workspace_give_back(workspace)
        return status

    cdef pylstm_status end(self, pylstm_event *events, size_t max_events, size_t *n_events, float *out, size_t out_rows,
                           size_t *rows) noexcept nogil:
        cdef pylstm_status status
        cdef const pylstm_workspace *workspace = borrowed(self.core)
        if workspace == NULL:
            return PYLSTM_NO_MEMORY
        status = pylstm_listener_flush_in(workspace, self.listener, events, max_events, n_events, out, out_rows, rows)
        pylstm_workspace_give_back(workspace)
        return status

    cdef pylstm_status set_watch(self, bint watch) noexcept nogil:
        return pylstm_listener_watch_scale(self.listener, watch)

    cdef pylstm_status to_beginning(self) noexcept nogil:
        return pylstm_listener_reset(self.listener)

    def _watch_scale(self, watch):
        """Whether float samples on another scale than -1 to 1 are warned of; not, where somebody has looked at them."""
        self.check_usable()
        self.watch_scale(flag("watch", watch))

    def push(self, pcm, *, posteriors=False):
        """Takes audio and gives the events that it completes.

        Parameters
        ----------
        pcm : array, shape (n,), float32 or int16
            As in `Stream.push`: one channel at the model's sample rate, any number of samples, any stride.
        posteriors : bool
            Give the rows of the model, too.

        Returns
        -------
        events : list of Event
            In the order in which they were decided; most often empty.
        rows : array, shape (rows, n_outputs), float32
            Only if `posteriors`: the rows that `Stream.push` gives.

        Raises
        ------
        TypeError
            `pcm` has another dtype.
        ValueError
            A wrong shape, NaN or infinity in `pcm`, a listener that has been flushed or is fed with frames, or that of a slot
            that has left its pool since.
        StreamBusyError
            Another thread is inside a call on this listener, or was when this process was forked: then `reset` it.

        Warns
        -----
        RuntimeWarning
            As `Stream.push`: these are probably 16-bit values. Once a listener, until `reset`.
        """
        return self.heard(pcm, 1, flag("posteriors", posteriors))

    def push_frames(self, frames, *, posteriors=False):
        """Takes frames computed elsewhere and gives the events that they complete.

        Parameters
        ----------
        frames : array, shape (T, n_features), float32
            What the first layer takes.
        posteriors : bool
            Give the rows of the model, too.

        Returns
        -------
        events : list of Event
        rows : array, shape (T, n_outputs), float32
            Only if `posteriors`.

        Raises
        ------
        TypeError, ValueError, StreamBusyError
            As in `push`. A listener takes audio or frames, not both.
        """
        return self.heard(frames, 2, flag("posteriors", posteriors))

    cdef object heard(self, object value, int ndim, bint posteriors):
        cdef pylstm_hearing part
        cdef Opened opened
        memset(&part, 0, sizeof(part))
        memset(&opened, 0, sizeof(opened))
        rows = None
        try:
            try:
                arrays = self.open_part(&part, &opened, value, None, ndim, posteriors)
                part.events = room_for_events(part.max_events)
                self.complete(&part, &opened, "pcm" if ndim == 1 else "frames")
                if posteriors:
                    whole_out, rows = arrays
                    if part.rows != <size_t>opened.rows:  # another thread pushed since the rows were counted
                        rows = first_rows(whole_out, &opened.target, part.rows)
            finally:
                close_buffers(&opened)
            events = self.decides.events_of(part.events, part.n_events)
        finally:
            free(part.events)
        return (events, rows) if posteriors else events

    def flush(self, *, posteriors=False):
        """Ends the audio: pads it as the features say, and gives the events that were still waiting.

        Afterwards the listener takes nothing more until `reset` or `restore`.

        Parameters
        ----------
        posteriors : bool
            Give the rows that were still waiting, too.

        Returns
        -------
        events : list of Event
        rows : array, shape (rows, n_outputs), float32
            Only if `posteriors`.

        Raises
        ------
        ValueError
            Deltas are on and fewer than 9 frames came, or the listener has been flushed already.
        """
        cdef Opened opened
        cdef pylstm_status status
        cdef uint64_t expected, most
        cdef size_t n_rows = 0, n_events = 0
        cdef pylstm_event *found = NULL
        cdef float *out = NULL
        cdef bint wants_rows = flag("posteriors", posteriors)
        self.check_usable()
        check(pylstm_listener_due(self.listener, PYLSTM_FRAMES, 0, True, &expected, &most))
        memset(&opened, 0, sizeof(opened))
        rows = None
        try:
            try:
                if wants_rows:
                    whole_out, rows = self.open_rows(&opened, None, expected)
                    out = <float *>opened.target.buf
                found = room_for_events(most)
                with nogil:
                    status = self.end(found, most, &n_events, out, expected if out != NULL else 0, &n_rows)
                if status == PYLSTM_OK and wants_rows and n_rows != <size_t>expected:
                    rows = first_rows(whole_out, &opened.target, n_rows)  # another thread pushed since they were counted
            finally:
                close_buffers(&opened)
            settle(status)
            events = self.decides.events_of(found, n_events)
        finally:
            free(found)
        return (events, rows) if wants_rows else events

    def reset(self):
        """Resets the listener to its beginning, as if just made."""
        self.begin_again()

    def fork(self):
        """A new listener of the same model and settings in the same state; from here on the two are independent.

        Returns
        -------
        Listener
        """
        cdef Listener other
        self.check_usable()
        other = Listener(self.core, self.model, self.decides)
        check(pylstm_listener_copy(other.listener, self.listener))
        other.watch_scale(self.watches_scale)
        return other

    def snapshot(self):
        """Everything that the listener remembers, its decision included, as bytes that `restore` takes, here or on another
        machine.

        Returns
        -------
        bytes
        """
        self.check_usable()
        return snapshot_of(self.listener, self.decides)

    def restore(self, snapshot):
        """Continues where a snapshot of a listener of the same model and settings was taken.

        Parameters
        ----------
        snapshot : bytes-like

        Raises
        ------
        ValueError
            The snapshot is of another model, other settings or another version, or damaged. The listener is as it was.
        """
        cdef bytes value = owned_bytes("snapshot", snapshot)
        self.check_usable()
        check(pylstm_listener_restore(self.listener, <const char *>value, len(value)))

    def __repr__(self):
        if self.left is not None:
            return f"Listener(of slot {self.left}, which has left its pool)"
        return f"Listener({self.decides.kind}, position={self.position}, frames={self.frames}, n_outputs={self.n_outputs})"

    @property
    def decision(self):
        """The settings in force, a copy that can be pickled or written as JSON: `Model.listener` takes them."""
        return self.decides.in_force

    @property
    def latency(self):
        """A row is decided on once so many samples are in after the time that it stands for: see `Model.latency`."""
        return pylstm_model_latency(self.core.model)

    @property
    def position(self):
        """Samples taken since the last reset (frames, for a listener fed with frames)."""
        self.check_usable()
        return pylstm_listener_position(self.listener)

    @property
    def frames(self):
        """Rows decided on since the last reset."""
        self.check_usable()
        return pylstm_listener_rows(self.listener)


def _restored_listener(model, settings, snapshot):
    """Makes the listener that a pickle holds."""
    listener = model._listener(settings)
    listener.restore(snapshot)
    return listener
