# Many streams, pushed together. Part of _engine.pyx.


cdef struct Opened:
    # The buffers of one part of a push.
    Py_buffer source
    Py_buffer target
    bint has_source
    bint has_target
    int64_t rows  # counted before the push


class _JoinedSlot(int):
    """A slot as `Streams.join` hands it out: a number that knows for whom. Once that user has left, the pool refuses it."""

    __module__ = "pylstm._engine"

    def __reduce__(self):
        return int, (int(self),)  # elsewhere it is a number


@cython.final
cdef class Streams:
    """Streams of one model that are pushed together: the weights are read once for all that have a frame ready.

    Made by ``Model.streams(n)``. Slots 0 to n - 1 are `Stream` objects (``pool[slot]``), each with all its methods and each
    giving the bits that it gives alone; `push` and `push_frames` feed any of them with any amount of audio in one call.
    ``join`` hands out a free slot to a new source, and ``leave`` frees it. What was taken before ``leave`` is refused after it,
    so that it cannot reach the next source: the `Stream`, and the number that ``join`` gave.

    Parameters
    ----------
    core, model, n, threads
        As given by ``Model.streams``.
    """

    cdef pylstm_batch *batch
    cdef Core core
    cdef readonly object model
    """The `Model` that the streams belong to."""
    cdef readonly int threads
    """How many threads work on a push."""
    cdef list slots
    cdef list users  # for each slot a mark of the user who joined, None: nobody did
    cdef object mark  # of this pool, for the slots that it hands out
    cdef set taken
    cdef object __weakref__

    def __cinit__(self, Core core not None, model, n, threads):
        cdef pylstm_status status
        cdef Py_ssize_t n_slots = whole("n", n, 1, sys.maxsize)
        self.core = core
        self.model = model
        self.threads = <int>whole("threads", threads, 1, 256)
        self.slots = [Stream(core, model) for _ in range(n_slots)]
        self.users, self.mark = [None] * n_slots, object()
        self.taken = set()
        status = pylstm_batch_create(core.model, self.threads, &self.batch)
        check_made(status, f"a pool with threads={self.threads}", self.threads * pylstm_batch_size(core.model))

    def __dealloc__(self):
        pylstm_batch_destroy(self.batch)

    def __repr__(self):
        return f"Streams(n={len(self.slots)}, joined={len(self.taken)}, threads={self.threads})"

    def __len__(self):
        return len(self.slots)

    def __getitem__(self, slot):
        return self.slots[self.checked(slot)]

    def __iter__(self):
        return iter(self.slots)

    cdef Py_ssize_t checked(self, object slot) except -1:
        try:
            place = operator.index(slot)
        except TypeError:
            raise TypeError(f"slot is {slot!r}; expected an integer") from None
        if not 0 <= place < len(self.slots):
            raise IndexError(f"slot is {place}; expected 0 to {len(self.slots) - 1}")
        if type(slot) is _JoinedSlot and slot.pool is self.mark and slot.user is not self.users[place]:
            raise ValueError(f"slot is {place} as join() gave it to a user who has left; expected one that is joined")
        return place

    @property
    def joined(self):
        """The slots that ``join`` has handed out and ``leave`` has not taken back, in order."""
        return sorted(self.taken)

    @cython.critical_section
    cdef Py_ssize_t take(self) except -2:
        """Marks the first free slot as taken; -1: there is none."""
        cdef Py_ssize_t slot
        for slot in range(len(self.slots)):
            if slot not in self.taken:
                self.taken.add(slot)
                return slot
        return -1

    def join(self):
        """A free slot, its stream at the beginning.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            All slots are taken.
        """
        slot = self.take()
        if slot < 0:
            raise ValueError(f"no slot of {len(self.slots)} is free; expected one to leave first")
        try:
            self.slots[slot].reset()
        except StreamBusyError:
            self.taken.discard(slot)
            raise
        if self.users[slot] is None:
            self.users[slot] = object()
        joined = _JoinedSlot(slot)
        joined.pool, joined.user = self.mark, self.users[slot]
        return joined

    def leave(self, slot):
        """Frees a slot that ``join`` handed out. Its stream goes, too: ``pool[slot]`` is another one then, at its beginning.

        Parameters
        ----------
        slot : int

        Raises
        ------
        ValueError
            The slot was not joined, or its user has left already.
        StreamBusyError
            Another thread is inside a call on its stream.
        """
        cdef Stream old, new
        place = self.checked(slot)
        if place not in self.taken:
            raise ValueError(f"slot {place} was not joined; expected one of {self.joined}")
        # Another thread may hold the old stream, on its way into a call: it must not meet the next user there.
        old, new = self.slots[place], Stream(self.core, self.model)
        old.reset()
        old.left = place
        self.slots[place] = new
        self.users[place] = None
        self.taken.discard(place)

    def reset(self, slot):
        """Resets the stream of one slot to its beginning.

        Parameters
        ----------
        slot : int
        """
        self[slot].reset()

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
        return self.through(chunks, out, 1)

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
        return self.through(frames, out, 2)

    cdef dict through(self, object chunks, object out, int ndim):
        cdef Py_ssize_t k, n_parts
        cdef pylstm_push *parts
        cdef Opened *opened
        cdef pylstm_status status
        cdef Stream stream
        if not hasattr(chunks, "items"):
            name = "chunks" if ndim == 1 else "frames"
            raise TypeError(f"{name} is {type(chunks).__name__}; expected a mapping from slots to arrays")
        items = [(self.checked(slot), value) for slot, value in chunks.items()]
        streams = [self.slots[slot] for slot, _ in items]  # kept for this call, also if a slot leaves meanwhile
        if len({slot for slot, _ in items}) != len(items):
            raise ValueError("a slot stands twice in the push; expected each once")
        given = {} if out is None else dict(out)
        n_parts = len(items)
        arrays = []
        # Local to this call: opening the buffers may run the caller's code, and other threads may
        # be here too.
        parts = <pylstm_push *>calloc(n_parts + 1, sizeof(pylstm_push))
        opened = <Opened *>calloc(n_parts + 1, sizeof(Opened))
        try:
            if parts == NULL or opened == NULL:
                raise MemoryError()
            for k in range(n_parts):
                slot, value = items[k]
                stream = streams[k]
                try:
                    arrays.append(self.open_part(stream, &parts[k], &opened[k], value, given.get(slot), ndim))
                except (TypeError, ValueError) as error:
                    raise type(error)(f"slot {slot}: {error}") from None
            while True:
                with nogil:
                    status = pylstm_batch_push(self.batch, parts, n_parts)
                if status != PYLSTM_OFF_SCALE:
                    break
                self.warn_off_scale(items, parts, opened, n_parts)
            if status != PYLSTM_OK:
                for k in range(n_parts):
                    if parts[k].status != PYLSTM_OK:
                        raise self.refused(items[k][0], &parts[k], &opened[k], ndim)
                raise refusal(status)
            rows = {}
            for k in range(n_parts):
                whole_out, result = arrays[k]
                if parts[k].rows != <size_t>opened[k].rows:  # another thread pushed since the rows were counted
                    result = first_rows(whole_out, &opened[k].target, parts[k].rows)
                rows[items[k][0]] = result
            return rows
        finally:
            for k in range(n_parts):
                if opened != NULL and opened[k].has_source:
                    PyBuffer_Release(&opened[k].source)
                if opened != NULL and opened[k].has_target:
                    PyBuffer_Release(&opened[k].target)
            free(parts)
            free(opened)

    cdef int warn_off_scale(self, list items, pylstm_push *parts, Opened *opened, Py_ssize_t n_parts) except -1:
        """Warns of the part that was refused for its scale, and of those after it, in one go."""
        cdef Py_ssize_t k
        cdef float peak
        cdef Stream stream
        for k in range(n_parts):
            stream = self.slots[items[k][0]]
            if parts[k].type == PYLSTM_FLOAT32 and stream.watches_scale and loudest(&opened[k].source, &peak) >= 0:
                if fabs(peak) > LIMIT:
                    stream.warn_off_scale(f"slot {items[k][0]}: {off_scale(&opened[k].source, 'pcm')}", 1)
        return 0

    cdef object refused(self, Py_ssize_t slot, pylstm_push *part, Opened *opened, int ndim):
        if part.status == PYLSTM_NOT_FINITE:
            error = not_finite(&opened.source, "pcm" if ndim == 1 else "frames")
        else:
            error = refusal(PYLSTM_BUSY if part.status == PYLSTM_OUT_TOO_SMALL else part.status)
        return type(error)(f"slot {slot}: {error}")

    cdef tuple open_part(self, Stream stream, pylstm_push *part, Opened *opened, object value, object out, int ndim):
        cdef Py_ssize_t n_features = pylstm_model_n_features(self.core.model)
        cdef int64_t rows
        cdef int kind
        cdef bint given = out is not None
        name = "pcm" if ndim == 1 else "frames"
        kind = open_input(value, &opened.source, name, ndim, ndim == 1)
        opened.has_source = True
        if ndim == 2:
            if opened.source.shape[1] > 1 and step(&opened.source, 1) != sizeof(float):
                text = f"frames is {described(value)} with gaps inside a row; expected none"
                raise ValueError(f"{text}: pass numpy.ascontiguousarray(frames)")
            if opened.source.shape[1] != n_features:
                raise ValueError(wrong_width(value, n_features))
            kind = PYLSTM_FRAMES
            rows = opened.source.shape[0]
        else:
            rows = stream.count(opened.source.shape[0], False)
        if not given:
            out = numpy.empty((rows, stream.n_outputs), numpy.float32)
        open_out(out, &opened.target, rows, stream.n_outputs)
        opened.has_target = True
        if given and overlap(&opened.source, &opened.target):
            raise ValueError(f"out overlaps {name} in memory; expected an array of its own")
        part.stream = stream.stream
        part.type = <pylstm_sample_type>kind
        part.data = opened.source.buf
        part.n = opened.source.shape[0]
        part.stride = step(&opened.source, 0)
        part.out = <float *>opened.target.buf
        part.out_rows = opened.target.shape[0]
        opened.rows = rows
        return out, first_rows(out, &opened.target, rows)
