# Float samples that are not audio from -1 to 1: where they stand, and what mends them. Part of _engine.pyx.

# The largest magnitude that passes: 24 dB above full scale. Loud float recordings stay below it; speech on the scale of
# int16 does not, however quiet it is.
cdef double LIMIT = PYLSTM_LARGEST_SAMPLE
LARGEST_SAMPLE = LIMIT

# What float samples are divided by, and what they are then. A resampler may have gone a little beyond the largest value.
cdef tuple SCALES = (("16-bit", "32768"), ("24-bit", "2**23"), ("32-bit", "2**31"))
cdef double OVERSHOOT = 2.0


def scale_remedy(str verb, str name, double peak):
    """What to do with samples of this name that reach a peak beyond `LARGEST_SAMPLE`, for people."""
    remedies = [
        f"{name} / {divisor} if they are {kind} values"
        for (kind, divisor), most in zip(SCALES, (2.0**15, 2.0**23, 2.0**31))
        if peak <= OVERSHOOT * most
    ]
    return f"{verb} " + ", ".join(remedies) if remedies else "no audio is so large, look where the samples come from"


cdef Py_ssize_t loudest(Py_buffer *samples, float *value) noexcept:
    """The place and the value of the sample of the largest magnitude; -1: there is none."""
    cdef Py_ssize_t k, place = -1
    cdef float sample
    value[0] = 0
    for k in range(samples.shape[0]):
        memcpy(&sample, <const char *>samples.buf + k * step(samples, 0), sizeof(float))
        if place < 0 or fabs(sample) > fabs(value[0]):
            value[0] = sample
            place = k
    return place


cdef str off_scale(Py_buffer *samples, str name):
    """Says which sample is the loudest, and what mends samples on its scale."""
    cdef float peak
    cdef Py_ssize_t place = loudest(samples, &peak)
    return f"{name}[{place}] is {peak:.6g}; expected float samples from -1 to 1: {scale_remedy('take', name, fabs(peak))}"
