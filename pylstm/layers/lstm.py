"""The LSTM layer and the trace of its gates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.arguments import count, flag
from pylstm.brief_repr import named_values
from pylstm.bulk.frames import check_frames
from pylstm.bulk.states import check_state
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.quantisation import PRECISIONS, Precision
from pylstm.layers.recurrent import Recurrent, limit, slope_of_gates
from pylstm.layers.settings import FLAG, NUMBER, SIZE
from pylstm.layers.weights import Shape, Weights
from pylstm.safetensors_encoding import encode_model

if TYPE_CHECKING:
    from pylstm.bulk.bulk_layer import BulkLayer

__all__ = ["LSTM", "Gates"]


class Gates(NamedTuple):
    """The values inside one LSTM layer, step by step.

    Arrays of shape (T, hidden_size) or (T, B, hidden_size).
    """

    i: NDArray[np.float32]
    """Input gate: how much of the candidate was added."""
    f: NDArray[np.float32]
    """Forget gate: how much of the long-term memory was kept."""
    g: NDArray[np.float32]
    """Candidate: the potential long-term memory."""
    o: NDArray[np.float32]
    """Output gate: how much of the memory was shown."""
    c: NDArray[np.float32]
    """Long-term memory after the step."""
    h: NDArray[np.float32]
    """Short-term memory after the step: the layer's output, of width proj_size if there is one."""

    def __repr__(self) -> str:
        return named_values(self, self._asdict())


class LSTM(Recurrent):
    r"""LSTM layers on top of each other, as ``torch.nn.LSTM``.

    .. math::

        i &= σ(W_{ii} x + b_{ii} + W_{hi} h + b_{hi}), &\quad
        f &= σ(W_{if} x + b_{if} + W_{hf} h + b_{hf}) \\
        g &= \tanh(W_{ig} x + b_{ig} + W_{hg} h + b_{hg}), &\quad
        o &= σ(W_{io} x + b_{io} + W_{ho} h + b_{ho}) \\
        c' &= f ⊙ c + i ⊙ g, &\quad
        h' &= o ⊙ \tanh(c')

    Options change a layer in this order, and can be combined. With `layer_norm`, :math:`W_i x` and
    :math:`W_h h` are normalised (below) before the biases are added. Peepholes are added to the
    sums of i, f and o, these are limited by `gate_clip`, and :math:`c'` by `cell_clip`; a peephole
    of o, h and the next step see the limited :math:`c'`. With `coupled`, f is 1 - i. With
    `gate_slope`, a hard sigmoid takes the place of σ.

    Parameters
    ----------
    input_size : int
        Width of the rows that go in.
    hidden_size : int
        Width of c and, without a projection, of h and of the rows that come out.
    num_layers : int
        Layers on top of each other; each takes the outputs of the one below.
    bias : bool
        Whether there are biases.
    weights : mapping of str to ndarray, optional
        float32 under PyTorch's names, gates in the order i, f, g, o: ``weight_ih_l{k}``
        (4 * hidden_size, width of the input of layer k), ``weight_hh_l{k}`` (4 * hidden_size,
        hidden_size), ``bias_ih_l{k}`` and ``bias_hh_l{k}`` (4 * hidden_size,). They are copied.
        None: drawn from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), as in PyTorch.
    bidirectional : bool
        Whether each layer also runs from the last frame to the first, with weights of its own
        (``..._reverse``); outputs are [forward, backward]. No stream can do that.
    proj_size : int
        Not 0: h becomes :math:`W_{hr} h`, of this width, less than hidden_size; ``weight_hr_l{k}``
        (proj_size, hidden_size), and ``weight_hh_l{k}`` (4 * hidden_size, proj_size).
    peepholes : bool
        Whether gates see the memory: :math:`p_i ⊙ c` is added to the sum of i, :math:`p_f ⊙ c` to
        that of f and :math:`p_o ⊙ c'`, of the new memory, to that of o (Gers and Schmidhuber 2000;
        the order and the place are those of ONNX and of Kaldi's LSTMP). ``peephole_i_l{k}``,
        ``peephole_f_l{k}`` and ``peephole_o_l{k}`` (hidden_size,).
    coupled : bool
        Whether the forget gate is f = 1 - i, as with ``input_forget`` in ONNX. Weights have three
        gates then, i, g, o, in 3 * hidden_size rows, and no ``peephole_f_l{k}``. TensorFlow and
        TFLite have i = 1 - f: the weights of f with the opposite sign are those of i.
    gate_clip : float
        Not 0: every sum that a gate takes is limited to -gate_clip ... gate_clip, as by ``clip`` in
        ONNX.
    cell_clip : float
        Not 0: :math:`c'` is limited to -cell_clip ... cell_clip, as by ``cell_clip`` in TensorFlow
        and by Kaldi's.
    gate_slope : float
        Not 0: gates are hard sigmoids, :math:`\min(\max(s\,x + 1/2, 0), 1)` with this slope s in
        place of σ: 0.2 is ``recurrent_activation="hard_sigmoid"`` in Keras 1 and 2 and the
        ``HardSigmoid`` of ONNX, 1/6 that of Keras 3.
    layer_norm : bool
        Whether sums and memory are normalised (Ba, Kiros and Hinton 2016, arXiv:1607.06450,
        equations 20 to 22): with N(v) = (v - mean(v)) / sqrt(var(v) + 1e-5), over all gates
        together, :math:`W_i x` becomes :math:`a_i ⊙ N(W_i x)`, :math:`W_h h` becomes
        :math:`a_h ⊙ N(W_h h)`, and h is :math:`o ⊙ \tanh(a_c ⊙ N(c') + b_c)`; c stays as it is.
        ``gain_ih_l{k}`` and ``gain_hh_l{k}``, as long as a bias, ``gain_c_l{k}`` and, with a bias,
        ``bias_c_l{k}`` (hidden_size,). They begin as 1 and 0. The biases of the paper's two
        normalisations are ``bias_ih_l{k}`` and ``bias_hh_l{k}``.
    dropout : float
        In training, the share of outputs of every layer but the last that are set to 0; the others
        grow by 1 / (1 - dropout).
    precision : {"float32", "bf16", "int8"}
        What the weights are; `quantize` makes the others from float32.
    seed : int, optional
        For the draw; not allowed together with weights.

    Examples
    --------
    >>> lstm = LSTM(40, 128, num_layers=2, seed=0)
    >>> lstm
    LSTM(input_size=40, hidden_size=128, num_layers=2, bias=True)
    >>> lstm.weights["weight_ih_l1"].shape
    (512, 128)
    >>> LSTM.from_config(lstm.config(), lstm.weights) == lstm
    True
    """

    kind = "lstm"
    gates = 4
    streams = True
    precisions = PRECISIONS
    first_format = 1
    settings = MappingProxyType(
        {
            **Recurrent.settings,
            "proj_size": SIZE,
            "peepholes": FLAG,
            "coupled": FLAG,
            "gate_clip": NUMBER,
            "cell_clip": NUMBER,
            "gate_slope": NUMBER,
            "layer_norm": FLAG,
        }
    )
    later_settings = MappingProxyType(
        {
            "proj_size": 0,
            "peepholes": False,
            "coupled": False,
            "gate_clip": 0.0,
            "cell_clip": 0.0,
            "gate_slope": 0.0,
            "layer_norm": False,
        }
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        bidirectional: bool = False,
        proj_size: int = 0,
        peepholes: bool = False,
        coupled: bool = False,
        gate_clip: float = 0.0,
        cell_clip: float = 0.0,
        gate_slope: float = 0.0,
        layer_norm: bool = False,
        dropout: float = 0.0,
        precision: Precision = "float32",
        seed: int | None = None,
    ) -> None:
        self._size(input_size, hidden_size, num_layers, bias, bidirectional, dropout)
        if isinstance(proj_size, bool) or proj_size != 0:
            proj_size = count("proj_size", proj_size, 1, MAX_DIMENSION)
            if proj_size >= self.hidden_size:
                raise ValueError(
                    f"proj_size is {proj_size}; expected less than hidden_size {self.hidden_size}"
                )
        self.proj_size = int(proj_size)
        self.peepholes = flag("peepholes", peepholes)
        self.coupled = flag("coupled", coupled)
        self.gate_clip = limit("gate_clip", gate_clip)
        self.cell_clip = limit("cell_clip", cell_clip)
        self.gate_slope = slope_of_gates(gate_slope)
        self.layer_norm = flag("layer_norm", layer_norm)
        self.precision = precision
        self._take(weights, self.hidden_size, seed)
        if weights is None and self.layer_norm:
            for name, values in self.weights.items():
                if name.startswith(("gain_", "bias_c_")):
                    values[...] = name.startswith("gain_")

    @property
    def width(self) -> int:
        """Width of h: proj_size if there is a projection, else hidden_size."""
        return self.proj_size or self.hidden_size

    @property
    def cell(self) -> str:
        """The name of the cell in the kernels of bulk passes."""
        return "lstm_coupled" if self.coupled else "lstm"

    def in_bulk(self, weights: Weights, gradients: bool) -> BulkLayer:
        """The layer, ready for passes over whole batches: see `Layer.in_bulk`."""
        from pylstm.bulk.recurrent_stack import RecurrentStack

        plain = set(self._chosen(self.later_settings)) <= {"proj_size"}
        clips = None if plain else (self.gate_clip, self.cell_clip)
        return RecurrentStack(
            self.cell,
            weights,
            self.num_layers,
            self.suffixes,
            gradients,
            self.dropout,
            clips,
            self.gate_slope,
        )

    @property
    def rows(self) -> int:
        """Rows of a weight: hidden_size for each gate that has some."""
        return (3 if self.coupled else 4) * self.hidden_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        shapes = super().shapes
        for end in (f"_l{k}{suffix}" for k in range(self.num_layers) for suffix in self.suffixes):
            if self.peepholes:
                for gate in "io" if self.coupled else "ifo":
                    shapes[f"peephole_{gate}{end}"] = (self.hidden_size,)
            if self.layer_norm:
                shapes["gain_ih" + end] = shapes["gain_hh" + end] = (self.rows,)
                shapes["gain_c" + end] = (self.hidden_size,)
                if self.bias:
                    shapes["bias_c" + end] = (self.hidden_size,)
        return shapes

    @property
    def state_shapes(self) -> dict[str, tuple[int, int]]:
        """The parts of its state for each sequence: h and c of every layer and direction."""
        shapes = super().state_shapes
        return shapes | {"c": (shapes["h"][0], self.hidden_size)}

    @property
    def obstacle(self) -> str | None:
        """Why no stream can run this layer and no model file hold it; None: they can."""
        if self.bidirectional:
            return "a stream cannot hear the future: make it with bidirectional=False"
        return None

    def trace(
        self,
        x: NDArray[np.float32],
        state: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    ) -> list[Gates]:
        """Returns every gate of every step, as the engine's kernels computed it.

        Parameters
        ----------
        x : array, shape (T, input_size) or (T, B, input_size), float32
            Time comes first.
        state : (h, c), optional
            Where to begin, each of shape (num_layers, hidden_size) or (num_layers, B, hidden_size),
            float32; None: zeros.

        Returns
        -------
        list of Gates
            One for each layer.

        Raises
        ------
        TypeError, ValueError
            Another dtype or shape than these, NaN or infinity.

        Examples
        --------
        >>> import numpy as np
        >>> gates = LSTM(3, 5, num_layers=2, seed=0).trace(np.ones((7, 3), np.float32))
        >>> len(gates), gates[0].f.shape
        (2, (7, 5))
        """
        x = check_frames(x, self.input_size, batched=False, least=0)
        if self.obstacle is not None:
            raise ValueError(f"{self!r} cannot be traced: {self.obstacle}")
        batch = x.shape[1:-1]
        n_columns = math.prod(batch)
        begin = None
        if state is not None:
            begin = check_state("state", self.state_shapes, state, n_columns, single=not batch)
        core = _engine.Core(encode_model(None, [(self.config(), self.tensors())]))
        columns = x.reshape(len(x), n_columns, self.input_size)
        widths = (*[self.hidden_size] * 5, self.width)
        traced = [
            [np.zeros((len(x), n_columns, width), np.float32) for width in widths]
            for _ in range(self.num_layers)
        ]
        for column in range(n_columns):
            stream = _engine.Stream(core, self)
            if begin is not None:
                stream.state = [
                    tuple(part[k, column] for part in begin) for k in range(self.num_layers)
                ]
            _, gates = stream.trace(columns[:, column])
            for cell, values in zip(traced, gates, strict=True):
                parts = values if isinstance(values, tuple) else values.swapaxes(0, 1)
                for part, found in zip(cell, parts, strict=True):
                    part[:, column] = found
        return [
            Gates(*(part.reshape(len(x), *batch, part.shape[-1]) for part in cell))
            for cell in traced
        ]
