# A whole recording through one stream. Part of _engine.pyx.


def run(Core core not None, pcm, *, bint rewind=False, str name="pcm"):
    """A whole recording through a stream of its own: push and flush. rewind: twice, top_db then taken from the whole."""
    cdef Stream stream = Stream(core)
    cdef Py_buffer source, target
    cdef pylstm_status status = PYLSTM_OK
    cdef pylstm_hearing part
    cdef size_t flushed = 0
    cdef Py_ssize_t n_outputs = stream.n_outputs
    cdef int left = 2 if rewind else 1
    cdef int kind
    check_audio(core, pcm, name, "stream().push_frames")
    kind = open_input(pcm, &source, name, 1, True)
    try:
        out = numpy.empty((stream.count(source.shape[0], True), n_outputs), numpy.float32)
        open_out(out, &target, 0, n_outputs)
        try:
            memset(&part, 0, sizeof(part))
            part.type, part.data, part.n, part.stride = <pylstm_sample_type>kind, source.buf, source.shape[0], step(&source, 0)
            part.out, part.out_rows = <float *>target.buf, target.shape[0]
            while left and status == PYLSTM_OK:
                with nogil:
                    status = stream.take(&part)
                    if status == PYLSTM_OK:
                        status = stream.end(part.out + <Py_ssize_t>part.rows * n_outputs, part.out_rows - part.rows, &flushed)
                    if left == 2 and status == PYLSTM_OK:
                        status = pylstm_stream_reset_keep_peak(stream.stream)
                if status == PYLSTM_OFF_SCALE:
                    stream.warn_off_scale(off_scale(&source, name), 2)
                    status = PYLSTM_OK
                else:
                    left -= 1
        finally:
            PyBuffer_Release(&target)
        if status == PYLSTM_NOT_FINITE:
            raise not_finite(&source, name)
    finally:
        PyBuffer_Release(&source)
    check(status)
    return out
