# Many listeners, pushed together. Part of _engine.pyx.


@cython.final
cdef class Listeners(Slots):
    """Listeners of one model that are pushed together: the weights are read once for all that have a frame ready.

    Made by ``Model.listeners(n)``. Slots 0 to n - 1 are `Listener` objects (``pool[slot]``), each with all its methods and each
    giving the events that it gives alone; `push` and `push_frames` feed any of them with any amount of audio in one call.
    ``join`` hands out a free slot to a new source, and ``leave`` frees it. What was taken before ``leave`` is refused after it,
    so that it cannot reach the next source: the `Listener`, and the number that ``join`` gave.

    Parameters
    ----------
    core, model, decision, n, threads, check_room
        As given by ``Model.listeners``.
    """

    cdef Decision decides

    def __cinit__(self, Core core not None, model, Decision decision not None, n, threads, check_room=None):
        self.decides = decision
        self.begin(core, model, n, threads, check_room)

    cdef Session made(self):
        return Listener(self.core, self.model, self.decides)

    cdef int take_parts(self, list sessions, pylstm_hearing *parts, Py_ssize_t n_parts) except -1:
        cdef Py_ssize_t k
        cdef pylstm_status status
        for k in range(n_parts):
            parts[k].listener = (<Listener>sessions[k]).listener
        with nogil:
            status = pylstm_batch_listen(self.batch, parts, n_parts)
        return status

    cdef object result(self, pylstm_hearing *part, object rows):
        cdef list events = self.decides.events_of(part.events, part.n_events) if part.n_events else []
        return events if rows is None else (events, rows)

    @property
    def decision(self):
        """The settings in force, a copy that can be pickled or written as JSON: `Model.listeners` takes them."""
        return self.decides.in_force

    def push(self, chunks, *, posteriors=False):
        """Takes audio for any of the slots and gives each its events.

        Parameters
        ----------
        chunks : mapping of int to array
            Slot to audio, as `Listener.push` takes it: any number of samples each.
        posteriors : bool
            Give the rows of the model, too.

        Returns
        -------
        dict of int to list of Event
            For every slot in `chunks`, in its order; with `posteriors` a pair (events, rows) for each, as from `Listener.push`.

        Raises
        ------
        TypeError, ValueError, IndexError, StreamBusyError
            As `Listener.push`, naming the slot. No listener has changed then.

        Warns
        -----
        RuntimeWarning
            As `Listener.push`, once a slot, naming it.
        """
        return self.through(chunks, None, 1, flag("posteriors", posteriors))

    def push_frames(self, frames, *, posteriors=False):
        """Takes frames computed elsewhere for any of the slots and gives each its events.

        Parameters
        ----------
        frames : mapping of int to array
            Slot to frames, as `Listener.push_frames` takes them.
        posteriors : bool
            Give the rows of the model, too.

        Returns
        -------
        dict of int to list of Event
            As `push`.

        Raises
        ------
        TypeError, ValueError, IndexError, StreamBusyError
            As `Listener.push_frames`, naming the slot. No listener has changed then.
        """
        return self.through(frames, None, 2, flag("posteriors", posteriors))
