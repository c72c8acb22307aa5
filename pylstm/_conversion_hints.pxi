# What a person can pass instead of an array that is refused: code that works as it stands, with the right values. Part of
# _engine.pyx. Only errors come here, so it is plain Python.
#
# `channels` is what the refuser takes: 0, one channel alone; n, that many, in columns or interleaved (`pylstm.Intake`).

# 24-bit samples, packed in three bytes each, become the upper bytes of 32.
cdef str PACKED = "(numpy.pad({}.reshape(-1, 3), ((0, 0), (1, 0))).view('<i4')[:, 0] / 2**31).astype(numpy.float32)"


cdef str to_float32(str code):
    return f"{code}.astype(numpy.float32)"


cdef str one_channel(tuple shape, str code):
    """Code for the first channel of an array of any shape. The longest axis is time."""
    if len(shape) == 1:
        return code
    if 0 in shape or len([size for size in shape if size != 1]) < 2:
        return f"{code}.reshape(-1)"
    time = shape.index(max(shape))
    places = ", ".join([":" if axis == time else "0" for axis in range(len(shape))])
    return f"{code}[{places.removesuffix(', :')}]"


cdef object fields_of(object array, str code, int channels):
    """Code for the fields of a structured array, one of which is a channel."""
    names = array.dtype.names
    if channels < 2:
        return samples_of(array[names[0]], f"{code}[{names[0]!r}]", channels)
    if len(names) != channels or len({array.dtype[name] for name in names}) > 1:
        return None
    columns = numpy.stack([array[name] for name in names], axis=1)
    listed = ", ".join([f"{code}[{name!r}]" for name in names])
    return samples_of(columns, f"numpy.stack([{listed}], axis=1)", channels)


cdef object samples_of(object array, str code, int channels):
    """Code for the samples of an array, float32 from -1 to 1 or int16; None: its numbers are no samples."""
    dtype, shape = array.dtype, array.shape
    kind, size = dtype.kind, dtype.itemsize
    if kind == "u" and size == 1 and len(shape) == 2 and shape[1] == 3 and shape[0] > 3 and not channels:
        # numpy.pad keeps the order of a transposed array, in which the bytes of a sample lie apart.
        return PACKED.format(code if array.flags.c_contiguous else f"numpy.ascontiguousarray({code})")
    if kind in "VS" and size == 3:
        return PACKED.format(f"numpy.frombuffer({code}.tobytes(), numpy.uint8)")
    if kind == "V" and dtype.names:
        return fields_of(array, code, channels)
    if kind == "O":
        return samples_of_objects(array, code, channels)
    code = code if channels else one_channel(shape, code)
    if kind == "f":
        return code if dtype == numpy.float32 and dtype.isnative else to_float32(code)
    if kind == "c":
        return to_float32(f"{code}.real")
    if kind == "i":
        if size == 2:
            return code if dtype.isnative else f"{code}.astype(numpy.int16)"
        if size == 8:  # no device gives these: they are other integers, collected in a list, for instance
            peak = max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0
            if peak <= 2**15:
                return to_float32(f"({code} / 2**15)")
            return to_float32(f"({code} / 2**{31 if peak <= 2**31 else 63})")
        return to_float32(f"({code} / 2**{8 * size - 1})")
    if kind == "u":  # zero stands in the middle
        if size <= 2:
            middle = 2 ** (8 * size - 1)
            return f"({to_float32(code)} - {middle}) / {middle}"
        return to_float32(f"({code} / 2**{8 * size - 1} - 1)")
    return None


cdef object samples_of_objects(object array, str code, int channels):
    items = array.tolist() if array.ndim else []
    if items and all([isinstance(item, numpy.ndarray) for item in items]):
        return samples_of(numpy.concatenate(items), f"numpy.concatenate(list({code}))", channels)
    plain = numpy.asarray(items)
    return None if plain.dtype.kind == "O" else samples_of(plain, f"numpy.asarray({code}.tolist())", channels)


cdef object samples_of_bytes(object value, str code):
    """Code for the samples that stand in raw bytes, and what else they may be."""
    if isinstance(value, memoryview) and not (value.c_contiguous and value.ndim == 1):
        value, code = bytes(value), f"bytes({code})"
    n = len(value)
    if bytes(value[:4]) in (b"RIFF", b"fLaC", b"OggS", b"FORM"):
        return f"soundfile.read(io.BytesIO({code}), dtype='float32')[0], whose rate has to be the model's"
    packed = PACKED.format(f"numpy.frombuffer({code}, numpy.uint8)")
    if n % 2 and n % 3 == 0:
        return packed
    if n % 2:
        return f"numpy.frombuffer({code}[:-1], '<i2'), and keep the last byte, half a sample, for the next call"
    others = f", or {packed} if they are 24-bit samples" if n and n % 3 == 0 else ""
    return f"numpy.frombuffer({code}, '<i2'){others}"


cdef object samples_of_list(object value, str code, int channels):
    items = list(value)
    if items and all([isinstance(item, numpy.ndarray) and item.ndim for item in items]):
        return samples_of(numpy.concatenate(items), f"numpy.concatenate({code})", channels)
    if items and all([isinstance(item, (bytes, bytearray)) for item in items]):
        code = f"b''.join({code})"
        return code if channels else samples_of_bytes(b"".join(items), code)
    if len(items) == 2:  # (samples, rate), as soundfile and librosa give it, or (rate, samples), as scipy does
        for place, item in enumerate(items):
            if isinstance(item, numpy.ndarray) and item.ndim:
                return samples_of(item, f"{code}[{place}]", channels)
    array = numpy.asarray(value)
    if array.ndim == 1 and array.dtype.kind in "if":
        if array.dtype.kind == "f":
            return f"numpy.asarray({code}, numpy.float32)"
        if array.size and abs(int(array.min())) <= 2**15 and int(array.max()) < 2**15:
            return f"numpy.asarray({code}, numpy.int16)"
    return samples_of(array, f"numpy.asarray({code})", channels)


cdef object opened_array(object value, str code):
    """What numpy makes of a value, and the code for that."""
    if isinstance(value, numpy.ndarray):
        if type(value) is numpy.ndarray:
            return value, code
        if hasattr(value, "filled"):  # a masked array: nothing here knows its mask
            return value.filled(0), f"{code}.filled(0)"
        return numpy.asarray(value), f"numpy.asarray({code})"  # others, such as numpy.matrix, index in their own way
    if type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
        code = f"{code}.detach().cpu()"
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # NumPy has none
            value, code = value.float(), f"{code}.float()"
        return value.numpy(), f"{code}.numpy()"
    array = numpy.asarray(value)
    return (array, f"numpy.asarray({code})") if array.dtype.kind != "O" else (None, code)


cdef object samples_hint(object value, str code, int channels=0):
    """Code that makes samples of a value; None: nothing does."""
    if isinstance(value, (str, os.PathLike)):
        whose = "intake" if channels else "model"
        return f"soundfile.read({code}, dtype='float32')[0], whose rate has to be the {whose}'s"
    if isinstance(value, (bytes, bytearray)):
        return samples_of_bytes(value, code)
    if not isinstance(value, numpy.ndarray):
        if isinstance(value, (list, tuple)):
            return samples_of_list(value, code, channels)
        try:
            view = memoryview(value)
        except TypeError:
            view = None
        # Signed bytes ("b") are numbers; others are the bytes of something.
        if view is not None and view.itemsize == 1 and view.format.strip("<>=@!") in ("B", "c"):
            return samples_of_bytes(value if isinstance(value, memoryview) else view, code)
    array, code = opened_array(value, code)
    return None if array is None else samples_of(array, code, channels)


def samples_instead(value, str name, int channels):
    """The end of an error about what came as interleaved channels or columns: ``: pass CODE``, or nothing."""
    try:
        code = samples_hint(value, name, channels)
    except Exception:  # of the caller's object: it must not hide the error
        code = None
    return f": pass {code}" if code else ""


cdef object frames_hint(object value, str code):
    """Code that makes float32 of a value; None: nothing does."""
    if isinstance(value, (str, bytes, bytearray)) or value is None:
        return None
    if isinstance(value, (list, tuple)):
        return f"numpy.asarray({code}, numpy.float32)" if numpy.asarray(value).dtype.kind in "fiu" else None
    array, code = opened_array(value, code)
    if array is None or array.dtype.kind not in "fiu":
        return None
    return code if array.dtype == numpy.float32 and array.dtype.isnative else to_float32(code)


cdef str instead(object value, str name, bint samples):
    """The end of an error about the type of a value: ``: pass CODE``, or nothing where no code would help.

    The caller's objects may do anything when they are looked at; an error of theirs must not hide ours.
    """
    try:
        code = samples_hint(value, name) if samples else frames_hint(value, name)
    except Exception:
        code = None
    return f": pass {code}" if code else ""


cdef str one_channel_instead(object value, str name):
    """The end of an error about the shape of an array of samples, as `instead`."""
    try:
        array, code = opened_array(value, name)
        return channel_hint(array, code)
    except Exception:
        return ""


cdef str channel_hint(object array, str code):
    picked = f": pass {one_channel(array.shape, code)}"
    many = [size for size in array.shape if size != 1]
    if len(many) < 2 or array.ndim != 2:
        return picked
    mixed = f"{code}.mean(axis={int(array.shape[0] >= array.shape[1])})"
    if array.dtype.kind == "i":
        mixed = to_float32(f"({mixed} / 2**15)")
    return f"{picked} for the first of {min(many)}, or mix them: {mixed}"


cdef str rows_instead(object value, str name):
    """The end of an error about the number of axes of frames."""
    shape = value.shape if isinstance(value, numpy.ndarray) else ()
    if len(shape) == 1:
        return f": pass {name}[None] if it is one frame"
    if len(shape) > 2 and set(shape[: len(shape) - 2]) == {1}:
        return f": pass {name}[{', '.join('0' * (len(shape) - 2))}]"
    return ""


cdef str width_instead(object value, str name, Py_ssize_t width):
    """The end of an error about the width of frames."""
    shape = value.shape if isinstance(value, numpy.ndarray) else ()
    return f": pass {name}.T" if len(shape) == 2 and shape[0] == width else ""
