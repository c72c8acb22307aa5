# How rows become events, and events of rows that come from elsewhere. Part of _engine.pyx.

cdef tuple REPORTS = ("early", "final")


cdef bytes c_text(str name, str text):
    """A text as the core takes it."""
    if "\0" in text:
        raise ValueError(f"{name} is {text!r}; expected a text without NUL characters")
    return text.encode("utf-8", "surrogatepass")


cdef str kind_of_event(pylstm_event_kind kind):
    if kind == PYLSTM_WORD:
        return "word"
    if kind == PYLSTM_SEGMENT_START:
        return "start"
    return "end" if kind == PYLSTM_SEGMENT_END else "symbol"


@cython.final
cdef class Decision:
    """How rows of posteriors become events. Immutable; any number of listeners share it.

    Made by `for_model` or `for_rows`.
    """

    cdef pylstm_decision *decision
    cdef Core core  # None: the rows come from elsewhere
    cdef object event
    cdef list labels  # of the outputs, or their numbers as texts
    cdef double hop_seconds  # of rows from elsewhere
    cdef readonly tuple given
    """The settings that it was made with, as texts: pairs of key and value."""
    cdef readonly bint has_labels
    """Whether the outputs have names."""
    cdef object __weakref__

    def __cinit__(self, settings, event, Core core, labels, n_outputs, hop_seconds):
        cdef pylstm_error why
        cdef pylstm_status status
        cdef Py_ssize_t k
        cdef pylstm_setting *array = NULL
        cdef const char **names = NULL
        cdef list texts = [], label_texts = []
        self.core, self.event, self.hop_seconds = core, event, hop_seconds
        if core is not None:
            n_outputs = pylstm_model_n_outputs(core.model)
        self.given = tuple([(str(key), str(value)) for key, value in settings])
        self.has_labels = labels is not None
        for key, value in self.given:
            texts.append((c_text("a name of a setting", key), c_text(key, value)))
        self.labels = [str(k) for k in range(n_outputs)] if labels is None else [str(label) for label in labels]
        if len(self.labels) != n_outputs:
            raise ValueError(f"labels has {number_of(len(self.labels), 'name')}; expected {n_outputs}, one for each output")
        if self.has_labels:
            label_texts = [c_text(f"labels[{k}]", label) for k, label in enumerate(self.labels)]
        try:
            array = <pylstm_setting *>calloc(len(texts) + 1, sizeof(pylstm_setting))
            names = <const char **>calloc(len(label_texts) + 1, sizeof(const char *))
            if array == NULL or names == NULL:
                raise MemoryError()
            for k in range(len(texts)):
                array[k].key, array[k].value = texts[k][0], texts[k][1]
            for k in range(len(label_texts)):
                names[k] = label_texts[k]
            if core is None:
                status = pylstm_decision_create_for_rows(names if self.has_labels else NULL, <int>n_outputs, hop_seconds, array,
                                                         len(texts), &self.decision, &why)
            else:
                status = pylstm_decision_create(core.model, array, len(texts), &self.decision, &why)
        finally:
            free(array)
            free(names)
        if status != PYLSTM_OK:
            text = why.message.decode(errors="replace")
            if status == PYLSTM_NO_MEMORY:
                raise MemoryError(text)
            raise ModelFileError(text) if status == PYLSTM_BAD_MODEL and core is not None else ValueError(text)

    def __dealloc__(self):
        pylstm_decision_destroy(self.decision)

    @staticmethod
    def for_model(Core core not None, settings, event):
        """The decision of a model, some of its settings replaced.

        Parameters
        ----------
        core : Core
        settings : sequence of (str, str)
            Key and value, as in a model file, without ``decision.``.
        event : callable
            Takes kind, label, time, onset, offset and score, and gives what listeners give as an event.

        Returns
        -------
        Decision

        Raises
        ------
        ValueError
            A setting that was given is wrong or missing; ModelFileError where it is one of the file.
        """
        cdef int k
        labels = None
        if pylstm_model_label(core.model, 0) != NULL:
            labels = [pylstm_model_label(core.model, k).decode() for k in range(pylstm_model_n_outputs(core.model))]
        return Decision(settings, event, core, labels, None, 0.0)

    @staticmethod
    def for_rows(labels, n_outputs, hop_seconds, settings, event):
        """A decision on rows that come from elsewhere.

        Parameters
        ----------
        labels : sequence of str or None
            Names of the outputs; None: they have none, and settings call them 0, 1 ...
        n_outputs : int
            Width of a row.
        hop_seconds : float
            From one row to the next.
        settings, event
            As in `for_model`.

        Returns
        -------
        Decision
        """
        return Decision(settings, event, None, labels, whole("n_outputs", n_outputs, 1, 65536), hop_seconds)

    @property
    def kind(self):
        """Its kind: "words", "segments" or "symbols"."""
        return pylstm_decision_kind_of(self.decision).decode()

    @property
    def settings(self):
        """The settings in force, but for those of single labels, as `pylstm_decision_setting` gives them."""
        cdef const char *key
        cdef double value
        cdef dict found = {}
        while pylstm_decision_setting(self.decision, len(found), &key, &value) == PYLSTM_OK:
            found[key.decode()] = value
        return found

    @property
    def in_force(self):
        """All settings in force, a new dict, as Python code gives them: `Model.listener` takes them back."""
        found = {"kind": self.kind}
        for key, value in self.settings.items():
            if key == "report":
                value = REPORTS[int(value)]
            elif key == "exclusive":
                value = value != 0
            elif key in ("label", "blank"):
                value = self.labels[int(value)] if self.has_labels else int(value)
            elif key.endswith("_frames"):
                value = int(value)
            found[key] = math.inf if value == PYLSTM_NO_LIMIT else value
        if found["kind"] == "words":
            thresholds = {label: self.threshold(k) for k, label in enumerate(self.labels)}
            found["background"] = tuple([label for label, threshold in thresholds.items() if threshold == 0])
            reported = {label: threshold for label, threshold in thresholds.items() if threshold > 0}
            values = set(reported.values())
            found["threshold"] = values.pop() if len(values) == 1 else reported
        return found

    @property
    def listener_bytes(self):
        """What a listener takes, in bytes."""
        return pylstm_listener_size_for_batch(self.decision) + 256  # the Python object, and what malloc adds

    @property
    def core_bytes(self):
        """What C programs need for the decision of a model with the settings of its file, for a listener of it, and for one
        that is made for a batch."""
        cdef size_t needed
        check(pylstm_decision_size(self.core.model, NULL, 0, &needed, NULL))
        for_batch = pylstm_listener_size_for_batch(self.decision)
        return needed, pylstm_listener_size(self.decision), for_batch

    def threshold(self, int output):
        """The threshold of an output in a decision on words; 0 where it is never reported, or the kind is another."""
        return pylstm_decision_threshold(self.decision, output)

    def __repr__(self):
        return f"Decision({self.kind}, {number_of(len(self.labels), 'output')})"

    cdef list events_of(self, const pylstm_event *found, size_t n):
        cdef size_t k
        cdef list events = []
        for k in range(n):
            offset = None if found[k].offset == PYLSTM_NOT_YET else found[k].offset
            events.append(self.event(kind_of_event(found[k].kind), self.labels[found[k].label], found[k].time, found[k].onset,
                                     offset, found[k].score))
        return events


cdef size_t MOST_EVENTS = sys.maxsize // sizeof(pylstm_event)


cdef pylstm_event *room_for_events(uint64_t n) except? NULL:
    """Memory for events, which the caller frees; NULL for none of them."""
    cdef pylstm_event *events
    if n == 0:
        return NULL
    events = <pylstm_event *>malloc(n * sizeof(pylstm_event)) if n <= MOST_EVENTS else NULL
    if events == NULL:
        taken = f"{n * sizeof(pylstm_event) / 1e6:.3g} MB"
        raise MemoryError(f"the events of this push may take {taken}, and so much cannot be had; expected a shorter push")
    return events
