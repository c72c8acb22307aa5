# The door for audio and frames that a stream and a listener have in common. Part of _engine.pyx.

cdef extern from "pythread.h" nogil:
    unsigned long PyThread_get_thread_ident()


cdef inline const pylstm_workspace *borrowed(Core core) noexcept nogil:
    """Working memory for a call of this thread, until pylstm_workspace_give_back; NULL: there is no more."""
    return pylstm_workspace_borrow(core.workspaces, PyThread_get_thread_ident())


cdef struct Opened:
    # The buffers of one part of a push.
    Py_buffer source
    Py_buffer target
    bint has_source
    bint has_target
    int64_t rows  # counted before the push


cdef void close_buffers(Opened *opened) noexcept:
    if opened.has_source:
        PyBuffer_Release(&opened.source)
    if opened.has_target:
        PyBuffer_Release(&opened.target)
    opened.has_source = opened.has_target = False


@cython.internal
@cython.auto_pickle(False)
cdef class Session:
    """The state of one source of audio, of whatever kind: what `Stream` and `Listener` share."""

    cdef Py_ssize_t n_outputs
    cdef object left  # the slot of a pool that it had, once its user has left; None: it is no such session
    cdef bint watches_scale
    cdef Core core
    cdef readonly object model
    """The `Model` (or `MFCC`, `LogMel`) that it belongs to."""
    cdef object __weakref__

    # --- what differs: a call of the core each ----------------------------------------------------

    cdef int due(self, pylstm_hearing *part, int64_t *rows) except -1:
        """Counts what a part will give, with its type and n set: its rows, and max_events where there are any."""
        raise NotImplementedError()

    cdef pylstm_status take(self, pylstm_hearing *part) noexcept nogil:
        """Pushes a part whose listener is not set."""
        return PYLSTM_BAD_ARGUMENT

    cdef pylstm_status set_watch(self, bint watch) noexcept nogil:
        return PYLSTM_BAD_ARGUMENT

    cdef pylstm_status to_beginning(self) noexcept nogil:
        return PYLSTM_BAD_ARGUMENT

    # --- what does not ----------------------------------------------------------------------------

    cdef int check_usable(self) except -1:
        """ValueError if it was the slot of a pool whose user has left."""
        if self.left is not None:
            name = type(self).__name__.lower()
            raise ValueError(
                f"the {name} is that of slot {self.left} before it left the pool; expected the one that"
                f" pool[{self.left}] gives after join()")
        return 0

    cdef int begin_again(self) except -1:
        self.check_usable()
        self.watch_scale(True)  # first: where this is refused, nothing has been reset
        return check(self.to_beginning())

    cdef int watch_scale(self, bint watch) except -1:
        check(self.set_watch(watch))
        self.watches_scale = watch
        return 0

    cdef int warn_off_scale(self, str text, int stacklevel) except -1:
        """Warns of samples that the core refused, after which it takes them; where the warning is an error, it does not."""
        self.watch_scale(False)  # before the warning, which may run code that pushes into this session
        text += ". They are taken as they are; this is said once a stream"
        try:
            warnings.warn(text, RuntimeWarning, stacklevel=stacklevel)
        except BaseException:
            self.watch_scale(True)
            raise
        return 0

    cdef tuple open_rows(self, Opened *opened, object out, Py_ssize_t rows):
        """Opens the array that rows go to, made where none is given. Returns it, and what a call that writes them returns."""
        if out is None:
            out = numpy.empty((rows, self.n_outputs), numpy.float32)
        open_out(out, &opened.target, rows, self.n_outputs)
        opened.has_target = True
        opened.rows = rows
        return out, first_rows(out, &opened.target, rows)

    cdef tuple open_part(self, pylstm_hearing *part, Opened *opened, object value, object out, int ndim, bint wants_rows):
        """Opens the buffers of a push of audio (ndim 1) or frames (2), as open_rows; None where rows are not wanted."""
        cdef int64_t rows
        cdef int kind
        cdef str name = "pcm" if ndim == 1 else "frames"
        cdef tuple arrays
        self.check_usable()
        if ndim == 1:
            check_audio(self.core, value, name, "push_frames")
        kind = open_input(value, &opened.source, name, ndim, ndim == 1)
        opened.has_source = True
        if ndim == 2:
            kind = PYLSTM_FRAMES
            if opened.source.shape[1] != pylstm_model_n_features(self.core.model):
                raise ValueError(wrong_width(value, pylstm_model_n_features(self.core.model)))
            if opened.source.shape[1] > 1 and step(&opened.source, 1) != sizeof(float):
                # Rows with gaps inside, such as a transposed array: one copy straightens them.
                straight = numpy.ascontiguousarray(value)
                opened.has_source = False
                PyBuffer_Release(&opened.source)
                open_input(straight, &opened.source, name, 2, False)
                opened.has_source = True
        part.type = <pylstm_sample_type>kind
        part.data = opened.source.buf
        part.n = opened.source.shape[0]
        part.stride = step(&opened.source, 0)
        self.due(part, &rows)
        if not wants_rows:
            return None
        arrays = self.open_rows(opened, out, rows)
        if out is not None and overlap(&opened.source, &opened.target):
            raise ValueError(f"out overlaps {name} in memory; expected an array of its own")
        part.out = <float *>opened.target.buf
        part.out_rows = opened.target.shape[0]
        return arrays

    cdef int complete(self, pylstm_hearing *part, Opened *opened, str name) except -1:
        """Pushes what open_part has opened, or raises with nothing changed."""
        cdef pylstm_status status
        cdef bint warned = False
        while True:
            with nogil:
                status = self.take(part)
            if status != PYLSTM_OFF_SCALE:
                break
            if warned:
                self.watch_scale(False)  # what shows the warning has reset the stream: once a push is enough
            else:
                self.warn_off_scale(off_scale(&opened.source, name), 1)
            warned = True
        if status == PYLSTM_NOT_FINITE:
            raise not_finite(&opened.source, name)
        return settle(status)


cdef int settle(pylstm_status status) except -1:
    if status == PYLSTM_OUT_TOO_SMALL:
        status = PYLSTM_BUSY  # there was room when the rows were counted: another thread pushed in between
    return check(status)
