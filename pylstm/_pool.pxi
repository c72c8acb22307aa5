# Many streams, pushed together. Part of _engine.pyx.


@cython.final
cdef class Streams(Slots):
    """Streams of one model that are pushed together: the weights are read once for all that have a frame ready.

    Made by ``Model.streams(n)``. Slots 0 to n - 1 are `Stream` objects (``pool[slot]``), each with all its methods and each
    giving the bits that it gives alone; `push` and `push_frames` feed any of them with any amount of audio in one call.
    ``join`` hands out a free slot to a new source, and ``leave`` frees it. What was taken before ``leave`` is refused after it,
    so that it cannot reach the next source: the `Stream`, and the number that ``join`` gave.

    Parameters
    ----------
    core, model, n, threads, check_room
        As given by ``Model.streams``.
    """

    def __cinit__(self, Core core not None, model, n, threads, check_room=None):
        self.begin(core, model, n, threads, check_room)

    cdef Session made(self):
        return Stream(self.core, self.model)

    cdef int take_parts(self, list sessions, pylstm_hearing *parts, Py_ssize_t n_parts) except -1:
        cdef Py_ssize_t k
        cdef pylstm_status status
        cdef pylstm_push *pushes = <pylstm_push *>calloc(n_parts + 1, sizeof(pylstm_push))
        if pushes == NULL:
            raise MemoryError()
        for k in range(n_parts):
            pushes[k] = push_of((<Stream>sessions[k]).stream, &parts[k])
        with nogil:
            status = pylstm_batch_push(self.batch, pushes, n_parts)
        for k in range(n_parts):
            parts[k].rows, parts[k].status = pushes[k].rows, pushes[k].status
        free(pushes)
        return status

    cdef object result(self, pylstm_hearing *part, object rows):
        return rows

    def push(self, chunks, out=None):
        """Takes audio for any of the slots and gives each its rows.

        Parameters
        ----------
        chunks : mapping of int to array
            Slot to audio, as `Stream.push` takes it: any number of samples each.
        out : mapping of int to array, optional
            Slot to the array that its rows go to, as in `Stream.push`; slots without one get a new array.

        Returns
        -------
        dict of int to array
            For every slot in `chunks`, in its order: shape (rows, n_outputs), float32.

        Raises
        ------
        TypeError, ValueError, IndexError, StreamBusyError
            As `Stream.push`, naming the slot. No stream has changed then.

        Warns
        -----
        RuntimeWarning
            As `Stream.push`, once a slot, naming it.
        """
        return self.through(chunks, out, 1, True)

    def push_frames(self, frames, out=None):
        """Takes frames computed elsewhere for any of the slots and gives each its rows.

        Parameters
        ----------
        frames : mapping of int to array
            Slot to frames, as `Stream.push_frames` takes them.
        out : mapping of int to array, optional

        Returns
        -------
        dict of int to array

        Raises
        ------
        TypeError, ValueError, IndexError, StreamBusyError
            As `Stream.push_frames`, naming the slot. No stream has changed then.
        """
        return self.through(frames, out, 2, True)
