# Arrays of float32 as the kernels take them: as pointers, padded, packed. Part of _bulk.pyx.

from cpython.buffer cimport PyBUF_FORMAT


cdef float *floats(str name, object array, Py_ssize_t count) except NULL:
    """Where the numbers of a float32 array in C order begin; the array has to outlive the pointer."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    found = view.format[0] == b"f" and view.format[1] == 0 and view.len == count * <Py_ssize_t>sizeof(float)
    PyBuffer_Release(&view)
    if not found:
        raise ValueError(f"{name} is {array.dtype} with shape {array.shape}; expected float32, {count} in all")
    return <float *>view.buf


cpdef Py_ssize_t padded(Py_ssize_t size) noexcept:
    """The next multiple of 16: the kernels work on so many units at a time."""
    return (size + 15) // 16 * 16


cdef object packing(matrix, bint transpose):
    """A matrix of rows, packed for `product`: transposed (its columns are the inputs) or as it stands (its rows are).

    The outputs are padded to a multiple of 16."""
    cdef int inputs, outputs, rows = matrix.shape[0], columns = matrix.shape[1]
    cdef float *source
    cdef float *target
    if not transpose and columns % 16:
        wide = numpy.zeros((rows, padded(columns)), numpy.float32)
        wide[:, :columns] = matrix
        matrix, columns = wide, wide.shape[1]
    inputs, outputs = (columns, rows) if transpose else (rows, columns)
    packed = numpy.empty(inputs * outputs, numpy.float32)
    source, target = floats("matrix", matrix, rows * columns), floats("packed", packed, inputs * outputs)
    with nogil:
        if transpose:
            pylstm_bulk_pack(source, 1, columns, inputs, outputs, target)
        else:
            pylstm_bulk_pack(source, columns, 1, inputs, outputs, target)
    return packed
