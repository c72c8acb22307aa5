# A decision on rows that come from elsewhere. Part of _engine.pyx.

@cython.final
cdef class RowListener:
    """A decision on rows of posteriors that were computed elsewhere, and all that it remembers.

    One thread at a time may call it. A call that raises has changed nothing.

    Parameters
    ----------
    decision : Decision
        Made by ``Decision.for_rows``.
    """

    cdef pylstm_listener *listener
    cdef readonly Decision decision
    """The `Decision`."""
    cdef object __weakref__

    def __cinit__(self, Decision decision not None):
        if decision.core is not None:
            raise ValueError("the decision is that of a model; expected one that Decision.for_rows gives")
        self.decision = decision
        check_made(pylstm_listener_create(decision.decision, &self.listener), "a listener",
                   pylstm_listener_size(decision.decision))

    def __dealloc__(self):
        pylstm_listener_destroy(self.listener)

    def __reduce__(self):
        cdef Decision decision = self.decision
        labels = decision.labels if decision.has_labels else None
        made_of = labels, len(decision.labels), decision.hop_seconds, decision.given, decision.event
        return _restored_row_listener, (*made_of, self.snapshot())

    def push(self, posteriors, *, str name="posteriors"):
        """Takes rows and gives the events that they complete.

        Parameters
        ----------
        posteriors : array, shape (n, n_outputs), float32 or float64
            Any number of rows, any strides.
        name : str
            What messages call it.

        Returns
        -------
        list
            What the decision's ``event`` made, in the order in which they were decided.

        Raises
        ------
        TypeError
            It has another dtype.
        ValueError
            A wrong shape, NaN or infinity, or the rows have been finished already.
        StreamBusyError
            Another thread is inside a call on this listener, or was when this process was forked: then `reset` it.
        """
        cdef Py_buffer rows
        cdef pylstm_status status
        cdef uint64_t n_rows, most
        cdef size_t n_events = 0
        cdef pylstm_event *events = NULL
        cdef bint are_doubles = open_posteriors(posteriors, &rows, name, len(self.decision.labels))
        try:
            try:
                check(pylstm_listener_due(self.listener, PYLSTM_FRAMES, rows.shape[0], False, &n_rows, &most))
                events = room_for_events(most)
                with nogil:
                    if are_doubles:
                        status = pylstm_listener_push_doubles(self.listener, <const double *>rows.buf, rows.shape[0],
                                                              step(&rows, 0), events, most, &n_events)
                    else:
                        status = pylstm_listener_push_rows(self.listener, <const float *>rows.buf, rows.shape[0],
                                                           step(&rows, 0), events, most, &n_events)
                if status == PYLSTM_NOT_FINITE:
                    raise not_finite(&rows, name)
            finally:
                PyBuffer_Release(&rows)
            settle(status)
            return self.decision.events_of(events, n_events)
        finally:
            free(events)

    def finish(self, seconds=None):
        """Ends the rows and gives the events that were still waiting.

        Afterwards it takes nothing more until `reset` or `restore`.

        Parameters
        ----------
        seconds : float, optional
            How long the audio is; default: as long as its rows.

        Returns
        -------
        list

        Raises
        ------
        ValueError
            The rows have been finished already.
        """
        cdef pylstm_status status
        cdef uint64_t n_rows, most
        cdef size_t n_events = 0
        cdef pylstm_event *events = NULL
        cdef double length = -1.0 if seconds is None else seconds
        if seconds is not None and not 0 <= length <= MOST_SECONDS:
            raise ValueError(f"seconds is {shown(seconds)}; expected 0 to {MOST_SECONDS:g}, or None")
        check(pylstm_listener_due(self.listener, PYLSTM_FRAMES, 0, True, &n_rows, &most))
        events = room_for_events(most)
        try:
            if seconds is None:
                status = pylstm_listener_flush(self.listener, events, most, &n_events, NULL, 0, NULL)
            else:
                status = pylstm_listener_finish(self.listener, length, events, most, &n_events)
            settle(status)
            return self.decision.events_of(events, n_events)
        finally:
            free(events)

    def reset(self):
        """Forgets everything: the next row is the first."""
        check(pylstm_listener_reset(self.listener))

    def snapshot(self):
        """Everything that it remembers, as bytes that `restore` takes.

        Returns
        -------
        bytes
        """
        return snapshot_of(self.listener, self.decision)

    def restore(self, snapshot):
        """Continues where a snapshot of a listener with the same decision was taken.

        Parameters
        ----------
        snapshot : bytes-like

        Raises
        ------
        ValueError
            The snapshot is of another decision or version, or damaged. The listener is as it was.
        """
        cdef bytes value = owned_bytes("snapshot", snapshot)
        check(pylstm_listener_restore(self.listener, <const char *>value, len(value)))

    @property
    def rows(self):
        """Rows taken since the last reset."""
        return pylstm_listener_rows(self.listener)

    def __repr__(self):
        return f"RowListener({self.decision.kind}, rows={self.rows})"


def _restored_row_listener(labels, n_outputs, hop_seconds, settings, event, snapshot):
    """Makes the listener that a pickle holds."""
    listener = RowListener(Decision.for_rows(labels, n_outputs, hop_seconds, settings, event))
    listener.restore(snapshot)
    return listener


# A year. Audio of which rows come from elsewhere is a recording.
MOST_SECONDS = 366 * 86400.0


cdef bytes snapshot_of(pylstm_listener *listener, Decision decision):
    cdef Py_buffer target
    cdef pylstm_status status
    cdef bytearray value = bytearray(pylstm_listener_snapshot_size(decision.decision))
    PyObject_GetBuffer(value, &target, PyBUF_SIMPLE | PyBUF_WRITABLE)
    with nogil:
        status = pylstm_listener_snapshot(listener, target.buf, target.len)
    PyBuffer_Release(&target)
    check(status)
    return bytes(value)


cdef bint open_posteriors(object value, Py_buffer *view, str name, Py_ssize_t n_outputs) except -1:
    """Opens rows from elsewhere, or raises; the caller releases them. Returns whether they are float64."""
    cdef bint are_doubles
    if type(value) is not ndarray and is_masked(value):
        raise TypeError(f"{name} is a masked array; expected a plain one{instead(value, name, False)}")
    try:
        PyObject_GetBuffer(value, view, PyBUF_RECORDS_RO)
    except (TypeError, BufferError, ValueError):
        raise TypeError(expected_posteriors(value, name)) from None
    are_doubles = is_float64(view)
    if not are_doubles and sample_type(view) != PYLSTM_FLOAT32:
        PyBuffer_Release(view)
        raise TypeError(expected_posteriors(value, name))
    if view.ndim != 2 or view.shape[1] != n_outputs:
        PyBuffer_Release(view)
        raise ValueError(
            f"{name} is {described(value)}; expected shape (n, {n_outputs}){columns_instead(value, name, n_outputs)}")
    if view.shape[1] > 1 and step(view, 1) != view.itemsize:
        PyBuffer_Release(view)  # rows with gaps inside: one copy straightens them
        PyObject_GetBuffer(numpy.ascontiguousarray(value), view, PyBUF_RECORDS_RO)
    return are_doubles


cdef str expected_posteriors(object value, str name):
    return f"{name} is {described(value)}; expected a NumPy array of float32 or float64{instead(value, name, False)}"


cdef str columns_instead(object value, str name, Py_ssize_t n_outputs):
    """The end of an error about the shape of posteriors."""
    shape = value.shape if isinstance(value, numpy.ndarray) else ()
    if len(shape) == 1 and n_outputs == 1:
        return f": pass {name}[:, None]"
    if shape == (n_outputs,):
        return f": pass {name}[None] if it is one row"
    return width_instead(value, name, n_outputs)


cdef bint is_float64(Py_buffer *view) noexcept:
    cdef const char *format = view.format
    if format == NULL:
        return False
    if format[0] in (b"=", b"@") or (format[0] == b"<" and LITTLE_ENDIAN) or (format[0] == b">" and not LITTLE_ENDIAN):
        format += 1
    return format[0] == b"d" and format[1] == 0 and view.itemsize == 8
