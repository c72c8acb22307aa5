# The weights of one recurrent layer in one direction, laid out for the kernels of bulk passes.

cdef class PackedDirection:
    """One recurrent layer in one direction: its weights, padded and packed for passes over many rows.

    Parameters
    ----------
    kind : str
        A key of `COLUMNS`.
    weights : tuple
        PyTorch's weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, and of an LSTM's options peephole_i, peephole_f,
        peephole_o, gain_ih, gain_hh, gain_c, bias_c; None for what is not there.
    gradients : bool
        Whether there will be backward passes.
    clips : tuple of two, optional
        The limits of an LSTM with options: gate_clip and cell_clip, 0 for none. None: it is torch.nn.LSTM.
    gate_slope : float
        Of the hard gates of a GRU or of an LSTM with options; 0: they are sigmoids.
    """

    cdef const pylstm_bulk_kernels *kernels
    cdef pylstm_bulk_cell cell
    cdef readonly Py_ssize_t input_size, hidden_size, width
    cdef Py_ssize_t units, padded_width, columns, gate_width, x_width, h_first, h_width
    cdef object x_columns, h_columns, product_columns
    cdef object w_ih, bias, packed_hh, packed_hh_back, packed_hr, packed_hr_back, packed_hn, packed_hn_back
    cdef object option_vectors
    cdef bint has_cell, projected, reset_before, has_options, normalised, has_hard_gates
    cdef pylstm_bulk_lstm_options options
    cdef pylstm_bulk_gru_options gru_options

    def __init__(self, str kind, tuple weights, bint gradients, tuple clips=None, float gate_slope=0.0):
        weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, *optional = weights
        find_sgemm()
        self.kernels = pylstm_bulk_kernels_for(_engine.isa().encode())
        if kind.startswith("lstm"):
            self.cell = self.kernels.lstm
        elif kind == "gru_after_tanh":
            self.cell = self.kernels.gru_after_tanh
        elif kind == "gru_after_relu":
            self.cell = self.kernels.gru_after_relu
        elif kind == "gru_before_tanh":
            self.cell = self.kernels.gru_before_tanh
        elif kind == "gru_before_relu":
            self.cell = self.kernels.gru_before_relu
        else:
            self.cell = self.kernels.rnn_tanh if kind == "rnn_tanh" else self.kernels.rnn_relu
        self.has_cell, self.projected = kind.startswith("lstm"), weight_hr is not None
        self.reset_before = kind.startswith("gru_before")
        self.x_columns, self.h_columns = COLUMNS[kind]
        self.columns = max(self.h_columns) + 1
        gates = len(self.x_columns)
        self.input_size, self.hidden_size = weight_ih.shape[1], weight_hh.shape[0] // gates
        self.width = weight_hh.shape[1]
        self.units, self.padded_width = padded(self.hidden_size), padded(self.width)
        self.gate_width = self.columns * self.units
        self.x_width = gates * self.units
        # With the reset before the product, that of n comes later, from another h.
        self.product_columns = self.h_columns[:2] if self.reset_before else self.h_columns
        self.h_first = min(self.product_columns) * self.units
        self.h_width = len(self.product_columns) * self.units
        self.w_ih = self._padded(weight_ih, self.x_columns, 0)
        together = len(self.product_columns) * self.hidden_size
        w_hh = self._padded(weight_hh[:together], self.product_columns, min(self.product_columns))
        self.packed_hh = packing(w_hh, transpose=True)
        self.packed_hh_back = packing(w_hh, transpose=False) if gradients else None
        bias = numpy.zeros((self.columns, self.units), numpy.float32)
        for vector, columns in ((bias_ih, self.x_columns), (bias_hh, self.h_columns)):
            if vector is not None:
                for gate, column in enumerate(columns):
                    bias[column, :self.hidden_size] += vector.reshape(gates, self.hidden_size)[gate]
        self.bias = bias
        self.packed_hn = self.packed_hn_back = None
        if self.reset_before:
            w_hn = self._padded(weight_hh[together:], (0,), 0)
            self.packed_hn = packing(w_hn, transpose=True)
            self.packed_hn_back = packing(w_hn, transpose=False) if gradients else None
        self.packed_hr = self.packed_hr_back = None
        if self.projected:
            w_hr = numpy.zeros((self.padded_width, self.units), numpy.float32)
            w_hr[:self.width, :self.hidden_size] = weight_hr
            self.packed_hr = packing(w_hr, transpose=True)
            self.packed_hr_back = packing(w_hr, transpose=False) if gradients else None

        self.gru_options.reset_after = not self.reset_before
        self.gru_options.relu = kind.endswith("relu")
        self.gru_options.gate_slope = gate_slope
        self.has_hard_gates = kind.startswith("gru") and gate_slope > 0
        self.has_options = clips is not None
        self.options.gate_slope = gate_slope
        self.normalised = False
        if self.has_options:
            self._take_options(kind, optional, clips)

    def _take_options(self, kind, vectors, clips):
        """What an LSTM has beside torch.nn.LSTM."""
        peephole_i, peephole_f, peephole_o, gain_ih, gain_hh, gain_c, bias_c = vectors
        cdef Py_ssize_t gates = self.columns
        rows = numpy.zeros((5 + 2 * gates, self.units), numpy.float32)
        for row, vector in enumerate((peephole_i, peephole_f, peephole_o)):
            if vector is not None:
                rows[row, :self.hidden_size] = vector
        cdef float *values = floats("options", rows, rows.size)
        self.option_vectors = rows
        self.normalised = gain_ih is not None
        self.options.hidden_size = self.hidden_size
        self.options.coupled = kind == "lstm_coupled"
        gate_clip, cell_clip = clips
        self.options.gate_clip = gate_clip or FLT_MAX
        self.options.cell_clip = cell_clip or FLT_MAX
        self.options.peepholes = values if peephole_i is not None else NULL
        self.options.gain_ih = self.options.gain_hh = self.options.gain_c = self.options.bias_c = NULL
        if self.normalised:
            rows[3:3 + gates, :self.hidden_size] = gain_ih.reshape(gates, self.hidden_size)
            rows[3 + gates:3 + 2 * gates, :self.hidden_size] = gain_hh.reshape(gates, self.hidden_size)
            rows[3 + 2 * gates, :self.hidden_size] = gain_c
            if bias_c is not None:
                rows[4 + 2 * gates, :self.hidden_size] = bias_c
            self.options.gain_ih = values + 3 * self.units
            self.options.gain_hh = values + (3 + gates) * self.units
            self.options.gain_c = values + (3 + 2 * gates) * self.units
            self.options.bias_c = values + (4 + 2 * gates) * self.units

    cdef inline void cell_forward(self, int n, float *z, const float *bias, float *h, float *c) noexcept nogil:
        if self.has_options:
            self.kernels.lstm_with_options.forward(&self.options, self.units, n, z, self.gate_width, bias, h, c)
        elif self.has_hard_gates:
            self.kernels.gru_with_options.forward(&self.gru_options, self.units, n, z, self.gate_width, bias, h)
        else:
            self.cell.forward(self.units, n, z, self.gate_width, bias, h, c)

    cdef inline void cell_backward(self, int n, float *z, const float *h_before, const float *c_before, float *dh, float *dc,
                                   float *sums, float *room) noexcept nogil:
        if self.has_options:
            self.kernels.lstm_with_options.backward(&self.options, self.units, n, z, self.gate_width, c_before, dh, dc, sums,
                                                    room)
        elif self.has_hard_gates:
            self.kernels.gru_with_options.backward(&self.gru_options, self.units, n, z, self.gate_width, h_before, dh, sums)
        else:
            self.cell.backward(self.units, n, z, self.gate_width, h_before, c_before, dh, dc, sums)

    cdef inline void reset_forward(self, int n, float *z, const float *bias, const float *h, float *reset) noexcept nogil:
        if self.has_hard_gates:
            self.kernels.gru_with_options.reset(&self.gru_options, self.units, n, z, self.gate_width, bias, h, reset)
        else:
            self.kernels.gru_reset(self.units, n, z, self.gate_width, bias, h, reset)

    cdef inline void reset_backward(self, int n, float *z, const float *h_before, const float *d_reset, float *dh,
                                    float *sums) noexcept nogil:
        if self.has_hard_gates:
            self.kernels.gru_with_options.reset_backward(&self.gru_options, self.units, n, z, self.gate_width, h_before,
                                                         d_reset, dh, sums)
        else:
            self.kernels.gru_reset_backward(self.units, n, z, self.gate_width, h_before, d_reset, dh, sums)

    def _padded(self, weight, columns, first):
        """Rows of a matrix where the gates have them."""
        gates = len(columns)
        if self.units == self.hidden_size and list(columns) == list(range(first, first + gates)):
            return numpy.array(weight, numpy.float32, order="C")  # a pass must not see later changes
        rows = numpy.zeros((gates, self.units, weight.shape[1]), numpy.float32)
        for gate, column in enumerate(columns):
            rows[column - first, :self.hidden_size] = weight.reshape(gates, self.hidden_size, -1)[gate]
        return rows.reshape(gates * self.units, -1)

    @property
    def state_widths(self):
        """Widths of the parts of a state: h, or h and c."""
        if self.has_cell:
            return self.width, self.hidden_size
        return (self.width,)

    @property
    def kept_per_row(self):
        """Floats that a forward pass keeps for each row when gradients are wanted; inputs and outputs come on top."""
        return (self.gate_width + self.padded_width + (self.units if self.has_cell else 0)
                + (self.units if self.projected or self.reset_before else 0)
                + (2 * self.gate_width if self.normalised else 0))
