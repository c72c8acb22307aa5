# BLAS: the product of matrices, from SciPy, when it is first needed. Part of _bulk.pyx.

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer


ctypedef void (*sgemm_function)(char *, char *, int *, int *, int *, float *, float *, int *, float *, int *, float *, float *,
                                int *) noexcept nogil

cdef sgemm_function sgemm = NULL


cdef int find_sgemm() except -1:
    """Loads SciPy's BLAS when it is first needed: importing pylstm does not import SciPy."""
    global sgemm
    if sgemm != NULL:
        return 0
    try:
        from scipy.linalg import cython_blas
    except ImportError as error:
        raise ImportError(f'bulk passes and training need SciPy: pip install "pylstm[train]" ({error})') from None
    capsule = cython_blas.__pyx_capi__["sgemm"]
    name = PyCapsule_GetName(capsule)
    # The number of `int *` in the signature: a SciPy that was built with 64-bit integers would have other ones.
    if name.count(b"int *") != 6:
        raise ImportError(f"scipy.linalg.cython_blas.sgemm is {name.decode()}; expected 32-bit integers")
    sgemm = <sgemm_function>PyCapsule_GetPointer(capsule, name)
    return 0


cdef void multiply(bint transpose_a, bint transpose_b, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t terms, const float *a,
                   Py_ssize_t a_row, const float *b, Py_ssize_t b_row, float beta, float *c, Py_ssize_t c_row) noexcept nogil:
    """C = op(A) op(B) + beta C for matrices of rows; BLAS thinks in columns. a_row: from one row of A to the next."""
    cdef char yes = b"T", no = b"N"
    cdef float one = 1.0
    cdef int m = <int>rows, n = <int>columns, k = <int>terms
    cdef int a_stride = <int>a_row, b_stride = <int>b_row, c_stride = <int>c_row
    sgemm(&yes if transpose_b else &no, &yes if transpose_a else &no, &n, &m, &k, &one, <float *>b, &b_stride, <float *>a,
          &a_stride, &beta, c, &c_stride)
