"""Recurrent layers over whole sequences and batches, and their gradients, with BLAS.

A pass runs over *rows*: one row is one frame of one sequence. The rows of all sequences' first frames lie behind each other,
then those of the second frames, and so on; sequences are sorted by length, the longest first, so that those that still run
are always the first ones. Shorter sequences have no rows after their end: no work is done on
padding.

Forward: the inputs' part of all gates is one ``sgemm`` over many steps; then, step by step, h's part is added and the cell
updated. Backward: a loop over the steps in the other direction leaves the gradients of the gates; that of the inputs is then
one ``sgemm`` over all rows. BLAS is SciPy's (``scipy.linalg.cython_blas``).

The products of a step are small: there the engine's own kernel, whose matrix is packed once for all steps, is faster than
``sgemm``. The same holds for the gradients of the weights, which are summed from a few steps at a
time while these are still in the cache: one big product at the end would fetch everything from
memory again (``python -m benchmarks training_products``).
"""

cimport cython
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBuffer_Release, PyObject_GetBuffer
from libc.float cimport FLT_MAX
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

import numpy

from pylstm import _engine

include "_bulk_kernels.pxi"


# Gates whose inputs' part is computed by one sgemm, before the steps use it while it is still in the cache: 256 KB.
cdef Py_ssize_t GATES_AT_ONCE = 65536

# Rows whose outer products are summed at once, while they are in the cache.
cdef Py_ssize_t ROWS_PER_SUM = 64

# Of each kind of cell: which column of gates (src/bulk/bulk_kernels.h) the gates of PyTorch's matrices belong to, those that
# take x and those that take h.
COLUMNS = {
    "lstm": ((0, 1, 2, 3), (0, 1, 2, 3)),
    "lstm_coupled": ((0, 1, 2), (0, 1, 2)),
    "gru_after_tanh": ((1, 2, 0), (1, 2, 3)),
    "gru_after_relu": ((1, 2, 0), (1, 2, 3)),
    "gru_before_tanh": ((1, 2, 0), (1, 2, 0)),
    "gru_before_relu": ((1, 2, 0), (1, 2, 0)),
    "rnn_tanh": ((0,), (0,)),
    "rnn_relu": ((0,), (0,)),
}


@cython.final
cdef class Steps:
    """How many sequences run at each step (never more than at the step before), and where the step's rows begin."""

    cdef int64_t *starts
    cdef object kept
    cdef readonly Py_ssize_t count, rows, batch

    def __init__(self, sizes):
        cdef Py_buffer view
        self.count = len(sizes)
        starts = numpy.zeros(self.count + 1, numpy.int64)
        numpy.cumsum(sizes, out=starts[1:])
        self.kept = starts
        PyObject_GetBuffer(starts, &view, PyBUF_C_CONTIGUOUS)
        self.starts = <int64_t *>view.buf
        PyBuffer_Release(&view)
        self.rows = int(starts[self.count])
        self.batch = int(sizes[0]) if self.count else 0
        if self.rows > 1 << 30:  # BLAS counts in 32 bits
            raise ValueError(f"there are {self.rows} frames; a pass takes 2^30 at most")


include "_packed_direction.pxi"


@cython.final
cdef class Direction(PackedDirection):
    """Passes of one recurrent layer in one direction: see `PackedDirection` for what it is made of."""

    def forward(self, x, Steps steps, bint reverse, tuple state, y, int column, bint keep):
        """Runs over all rows.

        Parameters
        ----------
        x : array, shape (rows, input_size)
        reverse : bool
            Whether the last frame of each sequence comes first.
        state : tuple of arrays, each of shape (batch, its width of `state_widths`, padded)
            Where to begin; in place, where it ended.
        y : array, shape (rows, any)
            Takes the outputs, from `column` on.
        keep : bool
            Whether `backward` will follow.

        Returns
        -------
        tuple
            What `backward` needs; None if nothing was to be kept.
        """
        cdef Py_ssize_t rows = steps.rows, k, row, end, first, last, n, r, chunk_start, most
        cdef Py_ssize_t y_stride = y.shape[1]
        cdef float *x_data = floats("x", x, rows * self.input_size)
        cdef float *y_data = floats("y", y, rows * y_stride) + column
        cdef float *h_data = floats("h", state[0], steps.batch * self.padded_width)
        cdef float *c_data = floats("c", state[1], steps.batch * self.units) if self.has_cell else NULL
        cdef float *w_ih = floats("w_ih", self.w_ih, self.x_width * self.input_size)
        cdef float *bias = floats("bias", self.bias, self.gate_width)
        cdef float *packed_hh = floats("packed", self.packed_hh, self.width * self.h_width)
        cdef float *packed_hr = NULL
        cdef float *packed_hn = NULL
        cdef float *gates
        cdef float *z
        cdef float *h_before = NULL
        cdef float *c_before = NULL
        cdef float *m_data = NULL
        cdef float *m
        cdef float *x_parts = NULL
        cdef float *h_parts = NULL
        cdef float *h_part
        cdef pylstm_fpmode mode
        cdef Py_ssize_t position = 0
        most = max(GATES_AT_ONCE // self.gate_width, steps.batch)
        kept_gates = numpy.empty((rows if keep else min(rows, most), self.gate_width), numpy.float32)
        gates = floats("gates", kept_gates, kept_gates.size)
        kept_h = kept_c = kept_m = None
        if keep:
            kept_h = numpy.empty((rows, self.padded_width), numpy.float32)
            h_before = floats("h", kept_h, kept_h.size)
            if self.has_cell:
                kept_c = numpy.empty((rows, self.units), numpy.float32)
                c_before = floats("c", kept_c, kept_c.size)
        if self.projected or self.reset_before:
            # What the second product of a step takes: o tanh(c), or r h.
            kept_m = numpy.empty((rows if keep else steps.batch, self.units), numpy.float32)
            m_data = floats("m", kept_m, kept_m.size)
        if self.projected:
            packed_hr = floats("packed", self.packed_hr, self.units * self.padded_width)
        kept_parts = None
        if self.normalised:
            # Layer normalisation takes the parts of x and of h apart, and its gradients take them again.
            kept_parts = numpy.empty((2 if keep else 1, rows if keep else steps.batch, self.gate_width), numpy.float32)
            h_parts = floats("parts", kept_parts, kept_parts.size)
            x_parts = h_parts + rows * self.gate_width if keep else NULL
        if self.reset_before:
            packed_hn = floats("packed", self.packed_hn, self.hidden_size * self.units)
        with nogil:
            mode = pylstm_fpmode_enter()
            while position < steps.count:
                # As many steps as there are rows for; at least one.
                if reverse:
                    last = steps.count - position
                    first = last - 1
                    while first > 0 and steps.starts[last] - steps.starts[first - 1] <= most:
                        first -= 1
                else:
                    first = position
                    last = first + 1
                    while last < steps.count and steps.starts[last + 1] - steps.starts[first] <= most:
                        last += 1
                position += last - first
                row, end = steps.starts[first], steps.starts[last]
                chunk_start = 0 if keep else row
                multiply(False, True, end - row, self.x_width, self.input_size, x_data + row * self.input_size,
                         self.input_size, w_ih, self.input_size, 0.0, gates + (row - chunk_start) * self.gate_width,
                         self.gate_width)
                for k in range(last - first):
                    row = steps.starts[last - 1 - k if reverse else first + k]
                    n = steps.starts[last - k if reverse else first + k + 1] - row
                    z = gates + (row - chunk_start) * self.gate_width
                    if self.x_width < self.gate_width:
                        for r in range(n):
                            memset(z + r * self.gate_width + self.x_width, 0, (self.gate_width - self.x_width) * sizeof(float))
                    if keep:
                        memcpy(h_before + row * self.padded_width, h_data, n * self.padded_width * sizeof(float))
                        if self.has_cell:
                            memcpy(c_before + row * self.units, c_data, n * self.units * sizeof(float))
                    if self.normalised:
                        h_part = h_parts + (row * self.gate_width if keep else 0)
                        memset(h_part, 0, n * self.gate_width * sizeof(float))
                        if keep:
                            memcpy(x_parts + row * self.gate_width, z, n * self.gate_width * sizeof(float))
                        self.kernels.product(packed_hh, self.width, self.h_width, <int>n, h_data, self.padded_width, h_part,
                                             self.gate_width)
                        self.kernels.lstm_with_options.normalise(&self.options, self.units, <int>n, z, self.gate_width, h_part)
                    else:
                        self.kernels.product(packed_hh, self.width, self.h_width, <int>n, h_data, self.padded_width,
                                             z + self.h_first, self.gate_width)
                    if self.projected:
                        m = m_data + (row * self.units if keep else 0)
                        self.cell_forward(<int>n, z, bias, m, c_data)
                        memset(h_data, 0, n * self.padded_width * sizeof(float))
                        self.kernels.product(packed_hr, self.units, self.padded_width, <int>n, m, self.units, h_data,
                                             self.padded_width)
                    else:
                        if self.reset_before:
                            m = m_data + (row * self.units if keep else 0)
                            self.reset_forward(<int>n, z, bias, h_data, m)
                            self.kernels.product(packed_hn, self.hidden_size, self.units, <int>n, m, self.units, z,
                                                 self.gate_width)
                        self.cell_forward(<int>n, z, bias, h_data, c_data)
                    for r in range(n):
                        memcpy(y_data + (row + r) * y_stride, h_data + r * self.padded_width, self.width * sizeof(float))
            pylstm_fpmode_leave(mode)
        return (x, kept_gates, kept_h, kept_c, kept_m, kept_parts) if keep else None

    def backward(self, kept, Steps steps, bint reverse, dy, int column, tuple d_state, dx, bint dx_begun, gradients):
        """Runs back over all rows of a forward pass.

        Parameters
        ----------
        kept : tuple
            From `forward`; used up.
        dy : array, shape (rows, any)
            Gradient of the loss with respect to the outputs, from `column` on.
        d_state : tuple of arrays, shaped as the state
            With respect to the state at the end; in place, to that at the beginning.
        dx : array, shape (rows, input_size), or None
            Takes the gradient with respect to the inputs.
        dx_begun : bool
            Whether it is to be added to what stands there.
        gradients : tuple
            Arrays shaped as the weights, in their order, or None; they are added to.
        """
        cdef Py_ssize_t rows = steps.rows, k, t, row, n, r, u, first, waiting = 0
        cdef Py_ssize_t dy_stride = dy.shape[1], x_width = padded(self.input_size)
        x, kept_gates, kept_h, kept_c, kept_m, kept_parts = kept
        cdef float *x_data = floats("x", x, rows * self.input_size)
        cdef float *dy_data = floats("dy", dy, rows * dy_stride) + column
        cdef float *dx_data = floats("dx", dx, rows * self.input_size) if dx is not None else NULL
        cdef float *dh_data = floats("dh", d_state[0], steps.batch * self.padded_width)
        cdef float *dc_data = floats("dc", d_state[1], steps.batch * self.units) if self.has_cell else NULL
        cdef float *gates = floats("gates", kept_gates, rows * self.gate_width)
        cdef float *h_before = floats("h", kept_h, rows * self.padded_width)
        cdef float *c_before = floats("c", kept_c, rows * self.units) if self.has_cell else NULL
        cdef float *w_ih = floats("w_ih", self.w_ih, self.x_width * self.input_size)
        cdef float *packed_hh = floats("packed", self.packed_hh_back, self.h_width * self.padded_width)
        cdef float *packed_hr = NULL
        cdef float *packed_hn = NULL
        cdef float *d_hn = NULL
        cdef float *z
        cdef float *source
        cdef float *target
        cdef float *dm = NULL
        cdef float *projected_dh = NULL
        cdef float *m_data = NULL
        cdef float *d_hr = NULL
        cdef float *h_gates
        cdef float *h_parts = NULL
        cdef float *room = NULL
        cdef Py_ssize_t sums = self.gate_width
        cdef pylstm_fpmode mode
        if self.has_options:  # behind the biases: peepholes, and gains and bias of layer normalisation
            sums += (5 + 2 * self.columns) * self.units
            cell_room = numpy.empty(2 * self.units, numpy.float32)
            room = floats("room", cell_room, cell_room.size)
        if self.normalised:
            h_parts = floats("parts", kept_parts, 2 * rows * self.gate_width)
        # All padded, as the kernels want them; sums of the whole pass.
        d_bias = numpy.zeros((2, sums // self.units, self.units), numpy.float32)
        cdef float *bias = floats("bias", d_bias, 2 * sums)
        d_weight_ih = numpy.zeros((self.x_width, x_width), numpy.float32)
        cdef float *d_ih = floats("d_ih", d_weight_ih, d_weight_ih.size)
        d_weight_hh = numpy.zeros((self.h_width, self.padded_width), numpy.float32)
        cdef float *d_hh = floats("d_hh", d_weight_hh, d_weight_hh.size)
        # The inputs of the rows whose outer products wait, padded.
        wide = numpy.zeros((ROWS_PER_SUM + steps.batch, x_width), numpy.float32)
        cdef float *x_rows = floats("x", wide, wide.size)
        if self.projected or self.reset_before:
            d_memory = numpy.empty((steps.batch, self.units), numpy.float32)
            dm = floats("dm", d_memory, d_memory.size)
        if self.reset_before:
            packed_hn = floats("packed", self.packed_hn_back, self.units * self.units)
            m_data = floats("m", kept_m, rows * self.units)
            d_weight_hn = numpy.zeros((self.units, self.units), numpy.float32)
            d_hn = floats("d_hn", d_weight_hn, d_weight_hn.size)
        if self.projected:
            packed_hr = floats("packed", self.packed_hr_back, self.units * self.padded_width)
            kept_dh = numpy.empty((rows, self.padded_width), numpy.float32)
            projected_dh = floats("dh", kept_dh, kept_dh.size)
            m_data = floats("m", kept_m, rows * self.units)
            d_weight_hr = numpy.zeros((self.padded_width, self.units), numpy.float32)
            d_hr = floats("d_hr", d_weight_hr, d_weight_hr.size)
        with nogil:
            mode = pylstm_fpmode_enter()
            for k in range(steps.count):
                t = k if reverse else steps.count - 1 - k
                row = steps.starts[t]
                n = steps.starts[t + 1] - row
                z = gates + row * self.gate_width
                for r in range(n):
                    source = dy_data + (row + r) * dy_stride
                    target = dh_data + r * self.padded_width
                    for u in range(self.width):
                        target[u] += source[u]
                if self.projected:
                    memcpy(projected_dh + row * self.padded_width, dh_data, n * self.padded_width * sizeof(float))
                    memset(dm, 0, n * self.units * sizeof(float))
                    self.kernels.product(packed_hr, self.padded_width, self.units, <int>n, dh_data, self.padded_width, dm,
                                         self.units)
                    memset(dh_data, 0, n * self.padded_width * sizeof(float))
                    self.cell_backward(<int>n, z, NULL, c_before + row * self.units, dm, dc_data, bias + sums, room)
                else:
                    self.cell_backward(<int>n, z, h_before + row * self.padded_width,
                                       c_before + row * self.units if self.has_cell else NULL, dh_data, dc_data, bias + sums,
                                       room)
                if self.reset_before:
                    memset(dm, 0, n * self.units * sizeof(float))
                    self.kernels.product(packed_hn, self.units, self.units, <int>n, z, self.gate_width, dm, self.units)
                    self.reset_backward(<int>n, z, h_before + row * self.padded_width, dm, dh_data, bias + sums)
                h_gates = z + self.h_first
                if self.normalised:
                    h_gates = h_parts + row * self.gate_width
                    self.kernels.lstm_with_options.normalise_backward(
                        &self.options, self.units, <int>n, z, self.gate_width, h_parts + (rows + row) * self.gate_width,
                        h_gates, bias + sums)
                self.kernels.product(packed_hh, self.h_width, self.padded_width, <int>n, h_gates, self.gate_width, dh_data,
                                     self.padded_width)
                # The gradients of these gates are in the cache: the weights' are summed from them now.
                waiting += n
                if waiting >= ROWS_PER_SUM or k == steps.count - 1:
                    first = row + n - waiting if reverse else row
                    for r in range(waiting):
                        memcpy(x_rows + r * x_width, x_data + (first + r) * self.input_size, self.input_size * sizeof(float))
                    z = gates + first * self.gate_width
                    self.kernels.outer(<int>waiting, z, self.gate_width, self.x_width, x_rows, x_width, <int>x_width, d_ih,
                                       x_width)
                    h_gates = h_parts + first * self.gate_width if self.normalised else z + self.h_first
                    self.kernels.outer(<int>waiting, h_gates, self.gate_width, self.h_width,
                                       h_before + first * self.padded_width, self.padded_width, self.padded_width, d_hh,
                                       self.padded_width)
                    if self.projected:
                        self.kernels.outer(<int>waiting, projected_dh + first * self.padded_width, self.padded_width,
                                           self.padded_width, m_data + first * self.units, self.units, self.units, d_hr,
                                           self.units)
                    if self.reset_before:
                        self.kernels.outer(<int>waiting, z, self.gate_width, self.units, m_data + first * self.units,
                                           self.units, self.units, d_hn, self.units)
                    # A sum of partial sums loses fewer digits.
                    for u in range(sums):
                        bias[u] += bias[sums + u]
                        bias[sums + u] = 0.0
                    waiting = 0
            if dx_data != NULL:
                multiply(False, False, rows, self.input_size, self.x_width, gates, self.gate_width, w_ih,
                         self.input_size, 1.0 if dx_begun else 0.0, dx_data, self.input_size)
            pylstm_fpmode_leave(mode)
        weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, *optional = gradients
        self._add(weight_ih, d_weight_ih, self.x_columns, 0)
        together = len(self.product_columns) * self.hidden_size
        self._add(weight_hh[:together], d_weight_hh, self.product_columns, min(self.product_columns))
        if self.reset_before:
            self._add(weight_hh[together:], d_weight_hn, (0,), 0)
        if bias_ih is not None:
            for vector, columns in ((bias_ih, self.x_columns), (bias_hh, self.h_columns)):
                for gate, column_of_gate in enumerate(columns):
                    vector.reshape(len(columns), self.hidden_size)[gate] += d_bias[0, column_of_gate, :self.hidden_size]
        if self.projected:
            weight_hr += d_weight_hr[:self.width, :self.hidden_size]
        column_of_gate = self.columns
        for vector, width in zip(optional, (1, 1, 1, self.columns, self.columns, 1, 1)):
            if vector is not None:
                rows_of_gates = d_bias[0, column_of_gate:column_of_gate + width, :self.hidden_size]
                vector.reshape(width, self.hidden_size)[...] += rows_of_gates
            column_of_gate += width

    def _add(self, target, rows, columns, first):
        """Adds the gradients of a padded matrix to those of PyTorch's matrix."""
        gates = len(columns)
        target = target.reshape(gates, self.hidden_size, -1)
        rows = rows.reshape(gates, self.units, -1)
        for gate, column in enumerate(columns):
            target[gate] += rows[column - first, :self.hidden_size, :target.shape[2]]
