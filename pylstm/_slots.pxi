# The slots of a pool: who has joined, and the push of many at once. Part of _engine.pyx.


class _JoinedSlot(int):
    """A slot as ``join`` hands it out: a number that knows for whom. Once that user has left, the pool refuses it."""

    __module__ = "pylstm._engine"

    def __reduce__(self):
        return int, (int(self),)  # elsewhere it is a number


@cython.internal
cdef class Slots:
    """Sessions of one model that are pushed together, whatever their kind: what `Streams` and `Listeners` share."""

    cdef pylstm_batch *batch
    cdef Core core
    cdef readonly object model
    """The `Model` that they belong to."""
    cdef readonly int threads
    """How many threads work on a push."""
    cdef list slots
    cdef list users  # for each slot a mark of the user who joined, None: nobody did
    cdef object mark  # of this pool, for the slots that it hands out
    cdef set taken
    cdef object check_room  # called with a number of slots before they are made: MemoryError where there is no room for them
    cdef object __weakref__

    def __dealloc__(self):
        pylstm_batch_destroy(self.batch)

    def __reduce__(self):
        raise TypeError(f"a pool of {type(self).__name__} cannot be pickled or copied; expected what a slot holds:"
                        " pickle pool[slot], or send pool[slot].snapshot() and restore it in a pool of the same model")

    # --- what differs -----------------------------------------------------------------------------

    cdef Session made(self):
        """A session for a slot, at its beginning."""
        raise NotImplementedError()

    cdef int take_parts(self, list sessions, pylstm_hearing *parts, Py_ssize_t n_parts) except -1:
        """Pushes the parts of sessions, all or none of them. Returns a status."""
        raise NotImplementedError()

    cdef object result(self, pylstm_hearing *part, object rows):
        """What a push gives for a slot; rows: None where they were not wanted."""
        raise NotImplementedError()

    # --- what does not ----------------------------------------------------------------------------

    cdef int begin(self, Core core, object model, object n, object threads, object check_room) except -1:
        cdef pylstm_status status
        self.core, self.model, self.check_room = core, model, check_room
        self.slots, self.users, self.taken, self.mark = [], [], set(), object()
        whole("n", n, 1, sys.maxsize)
        self.threads = <int>whole("threads", threads, 1, 256)
        self.add(n)
        status = pylstm_batch_create(core.model, self.threads, &self.batch)
        return check_made(status, f"a pool with threads={self.threads}", self.threads * pylstm_batch_size(core.model))

    cdef int add(self, object n) except -1:
        cdef Py_ssize_t k, more = whole("n", n, 1, sys.maxsize)
        if self.check_room is not None:
            self.check_room(more)
        made = [self.made() for k in range(more)]
        self.users.extend([None] * more)  # before the slots: whoever sees one of those finds its user
        self.slots.extend(made)
        return 0

    def __repr__(self):
        return f"{type(self).__name__}(n={len(self.slots)}, joined={len(self.taken)}, threads={self.threads})"

    def __len__(self):
        return len(self.slots)

    def __getitem__(self, slot):
        return self.slots[self.checked(slot)]

    def __iter__(self):
        return iter(self.slots)

    cdef Py_ssize_t checked(self, object slot) except -1:
        place = index("slot", slot)
        if not 0 <= place < len(self.slots):
            raise IndexError(f"slot is {shown(place)}; expected 0 to {len(self.slots) - 1}")
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
        """A free slot, at its beginning.

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
            raise ValueError(f"no slot of {len(self.slots)} is free; expected one to leave first, or grow(1)")
        try:
            (<Session>self.slots[slot]).begin_again()
        except StreamBusyError:
            self.taken.discard(slot)
            raise
        if self.users[slot] is None:
            self.users[slot] = object()
        joined = _JoinedSlot(slot)
        joined.pool, joined.user = self.mark, self.users[slot]
        return joined

    def leave(self, slot):
        """Frees a slot that ``join`` handed out. ``pool[slot]`` is another object then, at its beginning.

        Parameters
        ----------
        slot : int

        Raises
        ------
        ValueError
            The slot was not joined, or its user has left already.
        StreamBusyError
            Another thread is inside a call on what the slot has.
        """
        cdef Session old, new
        place = self.checked(slot)
        if place not in self.taken:
            raise ValueError(f"slot {place} was not joined; expected one of {self.joined}")
        # Another thread may hold the old session, on its way into a call: it must not meet the next user there.
        old, new = self.slots[place], self.made()
        old.begin_again()
        old.left = place
        self.slots[place] = new
        self.users[place] = None
        self.taken.discard(place)

    def grow(self, n):
        """Adds slots behind those that are there. What has joined stays, and so do the weights.

        Parameters
        ----------
        n : int
            How many.

        Raises
        ------
        MemoryError
            So many more need more memory than is free.
        """
        self.add(n)

    def reset(self, slot):
        """Resets one slot to its beginning.

        Parameters
        ----------
        slot : int
        """
        (<Session>self[slot]).begin_again()

    cdef dict through(self, object chunks, object out, int ndim, bint wants_rows):
        cdef Py_ssize_t k, n_parts
        cdef size_t n_events = 0
        cdef pylstm_hearing *parts
        cdef Opened *opened
        cdef pylstm_event *events = NULL
        cdef list items, sessions, rows
        cdef dict results = {}
        if not hasattr(chunks, "items"):
            name = "chunks" if ndim == 1 else "frames"
            raise TypeError(f"{name} is {type(chunks).__name__}; expected a mapping from slots to arrays")
        items = [(self.checked(slot), value) for slot, value in chunks.items()]
        sessions = [self.slots[slot] for slot, _ in items]  # kept for this call, also if a slot leaves meanwhile
        if len({slot for slot, _ in items}) != len(items):
            raise ValueError("a slot stands twice in the push; expected each once")
        n_parts = len(items)
        # Local to this call: opening the buffers may run the caller's code, and other threads may
        # be here too.
        parts = <pylstm_hearing *>calloc(n_parts + 1, sizeof(pylstm_hearing))
        opened = <Opened *>calloc(n_parts + 1, sizeof(Opened))
        try:
            if parts == NULL or opened == NULL:
                raise MemoryError()
            try:
                rows = self.open_parts(items, sessions, parts, opened, {} if out is None else dict(out), ndim, wants_rows)
                for k in range(n_parts):
                    n_events += parts[k].max_events
                events = room_for_events(n_events)
                n_events = 0
                for k in range(n_parts):
                    parts[k].events = events + n_events if events != NULL else NULL
                    n_events += parts[k].max_events
                self.complete_parts(items, sessions, parts, opened, ndim)
                if wants_rows:
                    for k in range(n_parts):
                        whole_out, result = rows[k]
                        if parts[k].rows != <size_t>opened[k].rows:  # another thread pushed since the rows were counted
                            result = first_rows(whole_out, &opened[k].target, parts[k].rows)
                        rows[k] = result
            finally:
                if opened != NULL:
                    for k in range(n_parts):
                        close_buffers(&opened[k])
            for k in range(n_parts):
                results[items[k][0]] = self.result(&parts[k], rows[k] if wants_rows else None)
            return results
        finally:
            free(parts)
            free(opened)
            free(events)

    cdef list open_parts(self, list items, list sessions, pylstm_hearing *parts, Opened *opened, dict given, int ndim,
                         bint wants_rows):
        """Opens the buffers of all parts. Returns what `Session.open_part` gives for each, if rows are wanted."""
        cdef Py_ssize_t k
        cdef list arrays = []
        for k in range(len(items)):
            slot, value = items[k]
            out = given.get(slot) if given else None
            try:
                opened_rows = (<Session>sessions[k]).open_part(&parts[k], &opened[k], value, out, ndim, wants_rows)
            except (TypeError, ValueError, StreamBusyError) as error:
                raise type(error)(f"slot {slot}: {error}") from None
            if wants_rows:
                arrays.append(opened_rows)
        return arrays

    cdef int complete_parts(self, list items, list sessions, pylstm_hearing *parts, Opened *opened, int ndim) except -1:
        """Pushes what open_parts has opened, or raises with nothing changed."""
        cdef Py_ssize_t k
        cdef int status
        cdef bint warned = False
        cdef Session session
        while True:
            status = self.take_parts(sessions, parts, len(items))
            if status != PYLSTM_OFF_SCALE:
                break
            if warned:  # what shows warnings has reset streams: once a push is enough
                for session in sessions:
                    session.watch_scale(False)
            else:
                self.warn_off_scale(items, sessions, parts, opened)
            warned = True
        if status == PYLSTM_OK:
            return 0
        for k in range(len(items)):
            if parts[k].status == PYLSTM_OK:
                continue
            if parts[k].status == PYLSTM_NOT_FINITE:
                error = not_finite(&opened[k].source, "pcm" if ndim == 1 else "frames")
            else:
                error = refusal(PYLSTM_BUSY if parts[k].status == PYLSTM_OUT_TOO_SMALL else parts[k].status)
            raise type(error)(f"slot {items[k][0]}: {error}")
        raise refusal(<pylstm_status>status)

    cdef int warn_off_scale(self, list items, list sessions, pylstm_hearing *parts, Opened *opened) except -1:
        """Warns of the part that was refused for its scale, and of those after it, in one go."""
        cdef Py_ssize_t k
        cdef float peak
        cdef Session session
        for k in range(len(items)):
            session = sessions[k]
            if parts[k].type == PYLSTM_FLOAT32 and session.watches_scale and loudest(&opened[k].source, &peak) >= 0:
                if fabs(peak) > LIMIT:
                    session.warn_off_scale(f"slot {items[k][0]}: {off_scale(&opened[k].source, 'pcm')}", 1)
        return 0
