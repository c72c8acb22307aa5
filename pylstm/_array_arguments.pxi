# The arrays that callers give: opened, checked, described. Part of _engine.pyx.

# The types of buffers that the engine distinguishes.
cdef enum:
    OTHER = -1


cdef int sample_type(Py_buffer *view) noexcept:
    cdef const char *format = view.format
    if format == NULL:
        return OTHER
    if format[0] in (b"=", b"@") or (format[0] == b"<" and LITTLE_ENDIAN) or (format[0] == b">" and not LITTLE_ENDIAN):
        format += 1
    if format[0] == b"f" and format[1] == 0 and view.itemsize == 4:
        return PYLSTM_FLOAT32
    if format[0] == b"h" and format[1] == 0 and view.itemsize == 2:
        return PYLSTM_INT16
    return OTHER


cdef bint LITTLE_ENDIAN = sys.byteorder == "little"


cdef object described(object value):
    """Describes a value in words: its dtype and shape where it has them."""
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is None:
        return type(value).__name__
    return f"{dtype} with shape {shape}"


cdef str number_of(Py_ssize_t n, str noun):
    """A number and what it counts, in the singular where it is one."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


cdef Py_ssize_t step(Py_buffer *view, int axis) noexcept nogil:
    """Bytes from one entry along an axis to the next. Some exporters (ctypes) leave the strides out even when asked."""
    cdef Py_ssize_t bytes = view.itemsize
    cdef int inner
    if view.strides != NULL:
        return view.strides[axis]
    for inner in range(axis + 1, view.ndim):
        bytes *= view.shape[inner]
    return bytes


# Looked up once: a push has no time to search a module.
cdef object ndarray = numpy.ndarray


cdef str expected_input(object value, str name, bint int16_allowed):
    # The name of a part of a state is "h of cell 0"; code has the first word of it.
    hint = instead(value, name.partition(" ")[0], int16_allowed)
    return f"{name} is {described(value)}; expected a NumPy array of float32{' or int16' if int16_allowed else ''}{hint}"


cdef str wrong_width(object frames, Py_ssize_t n_features):
    return f"frames is {described(frames)}; expected shape (T, {n_features}){width_instead(frames, 'frames', n_features)}"


cdef str expected_out(object out, Py_ssize_t rows, Py_ssize_t n_outputs, str besides=""):
    return (f"out is {described(out)}{besides}; expected a writable C-contiguous float32 array of shape"
            f" (at least {rows}, {n_outputs})")


cdef int open_input(object value, Py_buffer *view, str name, int ndim, bint int16_allowed) except -1:
    """Opens a buffer of samples or frames for reading, or raises; the caller releases it. ndim 0: and checks the shape."""
    cdef int kind
    if type(value) is not ndarray and is_masked(value):
        raise TypeError(f"{name} is a masked array; expected a plain one{instead(value, name, int16_allowed)}")
    try:
        PyObject_GetBuffer(value, view, PyBUF_RECORDS_RO)
    except (TypeError, BufferError, ValueError):
        raise TypeError(expected_input(value, name, int16_allowed)) from None
    kind = sample_type(view)
    if kind == OTHER or (kind == PYLSTM_INT16 and not int16_allowed):
        PyBuffer_Release(view)
        raise TypeError(expected_input(value, name, int16_allowed))
    if ndim and view.ndim != ndim:
        PyBuffer_Release(view)
        if ndim == 1:
            expected = f"one channel, 1-D{one_channel_instead(value, name)}"
        else:
            expected = f"2-D, (frames, n_features){rows_instead(value, name)}"
        raise ValueError(f"{name} is {described(value)}; expected {expected}")
    return kind


cdef int check_audio(Core core, object value, str name, str door) except -1:
    """ValueError if the model takes frames from outside instead of audio, which may be what was given."""
    if pylstm_model_sample_rate(core.model) == 0:
        n = pylstm_model_n_features(core.model)
        raise ValueError(
            f"{name} is {described(value)}; expected no audio, as the model has no features, and audio and frames cannot be"
            f" mixed: pass frames of shape (n, {n}), float32, to {door}")
    return 0


cdef int open_out(object out, Py_buffer *view, Py_ssize_t rows, Py_ssize_t n_outputs) except -1:
    """Opens the caller's array for the rows, or raises; the caller releases it."""
    if type(out) is not ndarray and is_masked(out):
        raise TypeError("out is a masked array; expected a plain one: pass out.data")
    try:
        PyObject_GetBuffer(out, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    except (TypeError, BufferError, ValueError):
        raise (TypeError if getattr(out, "dtype", None) is None else ValueError)(
            expected_out(out, rows, n_outputs, " but not writable and C-contiguous")) from None
    if sample_type(view) != PYLSTM_FLOAT32:
        PyBuffer_Release(view)
        raise TypeError(expected_out(out, rows, n_outputs))
    if view.ndim != 2 or view.shape[1] != n_outputs or view.shape[0] < rows:
        PyBuffer_Release(view)
        raise ValueError(expected_out(out, rows, n_outputs))
    return 0


cdef object first_rows(object out, Py_buffer *target, Py_ssize_t rows):
    """What a call that writes this number of rows to an opened out returns: out itself if they fill
    it, else a view.

    Made before the engine is called: whatever the caller's object does, nothing raises once the stream has changed.
    """
    if rows == target.shape[0]:
        return out
    if type(out) is not ndarray:
        out = numpy.asarray(out)
    return out[:rows]


cdef bint overlap(Py_buffer *source, Py_buffer *target) noexcept:
    """Whether writing the target could change the source while it is read. Strides may be negative."""
    cdef const char *low = <const char *>source.buf
    cdef const char *high = low + source.itemsize
    cdef const char *out = <const char *>target.buf
    cdef int axis
    for axis in range(source.ndim):
        if source.shape[axis] == 0:
            return False
        if step(source, axis) < 0:
            low += step(source, axis) * (source.shape[axis] - 1)
        else:
            high += step(source, axis) * (source.shape[axis] - 1)
    return target.len > 0 and out < high and low < out + target.len


cdef object not_finite(Py_buffer *view, str name):
    """The error for NaN or infinity, which says where the first one stands."""
    cdef const char *row
    cdef const char *place
    cdef float narrow
    cdef double value
    cdef Py_ssize_t k, j, columns = view.shape[1] if view.ndim == 2 else 1
    for k in range(view.shape[0]):
        row = <const char *>view.buf + k * step(view, 0)
        for j in range(columns):
            place = row + (j * step(view, 1) if view.ndim == 2 else 0)
            if view.itemsize == sizeof(double):
                memcpy(&value, place, sizeof(double))
            else:
                memcpy(&narrow, place, sizeof(float))
                value = narrow
            if not isfinite(value):
                where = f"[{k}, {j}]" if view.ndim == 2 else f"[{k}]"
                return ValueError(f"{name}{where} is {value}; expected finite values. Nothing of it was taken")
    return ValueError(f"{name} holds NaN or infinity. Nothing of it was taken")


cdef tuple as_tuple(object value, str name, str expected):
    try:
        return tuple(value)
    except TypeError:
        raise TypeError(f"{name} is {described(value)}; expected {expected}") from None


cdef int copy_memory(object value, str name, float *to, Py_ssize_t size) except -1:
    """h or c of a cell, checked by what its buffer holds and copied from there."""
    cdef Py_buffer view
    cdef Py_ssize_t k
    open_input(value, &view, name, 0, False)
    try:
        if view.ndim != 1 or view.shape[0] != size:
            raise ValueError(f"{name} is {described(value)}; expected shape ({size},)")
        for k in range(size):
            memcpy(to + k, <const char *>view.buf + k * step(&view, 0), sizeof(float))
            if not isfinite(to[k]):
                raise ValueError(f"{name} holds NaN or infinity; expected finite values")
    finally:
        PyBuffer_Release(&view)
    return 0
