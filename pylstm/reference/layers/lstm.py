r"""The LSTM.

It is the one of Hochreiter and Schmidhuber [1]_ with the forget gate of Gers, Schmidhuber and
Cummins [2]_, written the way ``torch.nn.LSTM`` (PyTorch 2.13) writes it: two biases, and gate rows
in the order i, f, g, o. Its projection is that of Sak, Senior and Beaufays [3]_, and so are its
peepholes, which Gers and Schmidhuber [4]_ have invented. Coupled gates are the "CIFG" of [5]_, and
layer normalisation is that of Ba, Kiros and Hinton [6]_. Hard gates are those of Keras
(``recurrent_activation="hard_sigmoid"``) and of ONNX (``HardSigmoid`` among ``activations``).

References
----------
.. [1] S. Hochreiter, J. Schmidhuber. Long Short-Term Memory. Neural Computation 9(8), 1997,
   1735-1780.
.. [2] F. A. Gers, J. Schmidhuber, F. Cummins. Learning to Forget: Continual Prediction with LSTM.
   Neural Computation 12(10), 2000, 2451-2471.
.. [3] H. Sak, A. Senior, F. Beaufays. Long Short-Term Memory Recurrent Neural Network Architectures
   for Large Scale Acoustic Modeling. Interspeech 2014, 338-342.
.. [4] F. A. Gers, J. Schmidhuber. Recurrent Nets that Time and Count. IJCNN 2000, 189-194.
.. [5] K. Greff, R. K. Srivastava, J. Koutník, B. R. Steunebrink, J. Schmidhuber. LSTM: A Search
   Space Odyssey. IEEE Transactions on Neural Networks and Learning Systems 28(10), 2017, 2222-2232.
.. [6] J. L. Ba, J. R. Kiros, G. E. Hinton. Layer Normalization. arXiv:1607.06450, 2016; the LSTM
   is equations 20 to 22 of the supplementary material.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array, tanh
from pylstm.reference.recurrent_stack import (
    Gates,
    Weights,
    from_corners,
    opened,
    stack,
    stack_layer,
)

EPSILON = 1e-5
"""What layer normalisation adds to a variance."""


def normalised(x: Array) -> Array:
    """x with mean 0 and variance 1, as far as `EPSILON` allows."""
    centred = x - x.mean()
    spread: Array = np.sqrt((centred**2).mean() + x.dtype.type(EPSILON))
    return centred / spread


def clipped(x: Array, limit: float) -> Array:
    """x limited to -limit ... limit; 0: no limit."""
    return np.clip(x, -limit, limit) if limit else x


def lstm_step(
    x: ArrayLike,
    h: ArrayLike,
    c: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    weight_hr: ArrayLike | None = None,
    *,
    peephole_i: ArrayLike | None = None,
    peephole_f: ArrayLike | None = None,
    peephole_o: ArrayLike | None = None,
    gain_ih: ArrayLike | None = None,
    gain_hh: ArrayLike | None = None,
    gain_c: ArrayLike | None = None,
    bias_c: ArrayLike | None = None,
    coupled: bool = False,
    gate_clip: float = 0.0,
    cell_clip: float = 0.0,
    gate_slope: float = 0.0,
) -> tuple[Array, Array, Gates]:
    r"""One step of one LSTM layer.

    .. math::

        i &= σ(W_{ii} x + b_{ii} + W_{hi} h + b_{hi}) \\
        f &= σ(W_{if} x + b_{if} + W_{hf} h + b_{hf}) \\
        g &= \tanh(W_{ig} x + b_{ig} + W_{hg} h + b_{hg}) \\
        o &= σ(W_{io} x + b_{io} + W_{ho} h + b_{ho}) \\
        c' &= f ⊙ c + i ⊙ g \\
        h' &= o ⊙ \tanh(c') \quad\text{or, projected,}\quad h' = W_{hr} (o ⊙ \tanh(c'))

    The forget gate f says how much of the long-term memory c to keep, the input gate i how much of
    the candidate g to add, the output gate o how much of the result to show. c is never multiplied
    by a weight matrix; h, the short-term memory, is the output.

    What can be added, in the order in which it acts on the sums that the gates take:

    * layer normalisation: :math:`W_i x` and :math:`W_h h` are normalised over all gates together,
      each multiplied by its gain, before the biases are added. :math:`\tanh(c')` takes the
      normalised :math:`c'` with a gain and a bias of its own; c itself stays as it is;
    * peepholes: :math:`p_i ⊙ c` and :math:`p_f ⊙ c` in i and f, :math:`p_o ⊙ c'` in o;
    * a limit for each sum, `gate_clip`, and for :math:`c'`, `cell_clip`: all that follows sees the
      limited :math:`c'`;
    * coupled gates: :math:`f = 1 - i`; there are no rows for f;
    * hard gates: with `gate_slope`, :math:`\min(\max(s\,x + 1/2, 0), 1)` in place of σ.

    Parameters
    ----------
    x : (I,)
        Input of this step.
    h : (P,)
        Hidden state before it; P is H unless there is a projection.
    c : (H,)
        Cell state before it.
    weight_ih : (4H, I), or (3H, I) with coupled gates
        :math:`W_{ii}, W_{if}, W_{ig}, W_{io}` below each other.
    weight_hh : (4H, P), or (3H, P)
        :math:`W_{hi}, W_{hf}, W_{hg}, W_{ho}` below each other.
    bias_ih, bias_hh : (4H,) or (3H,), optional
        The two biases, in the same order. None: zero.
    dtype : dtype
        In which everything is computed.
    weight_hr : (P, H), optional
        The projection. None: there is none.
    peephole_i, peephole_f, peephole_o : (H,), optional
        The peepholes. None: there are none.
    gain_ih, gain_hh : (4H,) or (3H,), optional
        The gains of layer normalisation. None: nothing is normalised.
    gain_c, bias_c : (H,), optional
        Gain and bias of the normalised :math:`c'`; None: it is not normalised, or has no bias.
    coupled : bool
        Whether f is 1 - i.
    gate_clip, cell_clip : float
        The limits. 0: there is none.
    gate_slope : float
        s. 0: gates are σ.

    Returns
    -------
    h, c : (P,), (H,)
        Hidden and cell state after the step.
    gates : dict
        The activated ``"i"``, ``"f"``, ``"g"`` and ``"o"``, each (H,). Where there is a limit or
        a hard gate, also ``"a"``: how far from its corners is what it takes.

    Examples
    --------
    With all weights zero every gate is half open and the candidate is zero: half of the memory
    stays.

    >>> h, c, gates = lstm_step([1.0], [0.0], [0.8], np.zeros((4, 1)), np.zeros((4, 1)))
    >>> c, gates["f"], gates["g"]
    (array([0.4]), array([0.5]), array([0.]))
    >>> bool(h[0] == 0.5 * np.tanh(0.4))
    True
    """
    x, h, c = (np.asarray(value, dtype) for value in (x, h, c))
    z_x, z_h = np.asarray(weight_ih, dtype) @ x, np.asarray(weight_hh, dtype) @ h
    if gain_ih is not None:
        z_x = np.asarray(gain_ih, dtype) * normalised(z_x)
    if gain_hh is not None:
        z_h = np.asarray(gain_hh, dtype) * normalised(z_h)
    z = z_x + z_h
    for bias in (bias_ih, bias_hh):
        if bias is not None:
            z = z + np.asarray(bias, dtype)

    distances: list[Array] = []

    def seen(z: Array, peephole: ArrayLike | None, cell: Array) -> Array:
        """The sum that a gate takes."""
        if peephole is not None:
            z = z + np.asarray(peephole, dtype) * cell
        if gate_clip:
            distances.append(np.abs(z) - gate_clip)
        return clipped(z, gate_clip)

    def gate(z: Array, peephole: ArrayLike | None, cell: Array) -> Array:
        z = seen(z, peephole, cell)
        if gate_slope:
            distances.append(from_corners(z, gate_slope))
        return opened(z, gate_slope, dtype)

    z_i, *z_f, z_g, z_o = np.split(z, 3 if coupled else 4)
    i = gate(z_i, peephole_i, c)
    f = 1 - i if coupled else gate(z_f[0], peephole_f, c)
    g = tanh(seen(z_g, None, c), dtype)
    c_next: Array = f * c + i * g
    if cell_clip:
        distances.append(np.abs(c_next) - cell_clip)
    c_next = clipped(c_next, cell_clip)
    o = gate(z_o, peephole_o, c_next)
    shown = c_next if gain_c is None else np.asarray(gain_c, dtype) * normalised(c_next)
    if bias_c is not None:
        shown = shown + np.asarray(bias_c, dtype)
    h_next: Array = o * tanh(shown, dtype)
    if weight_hr is not None:
        h_next = np.asarray(weight_hr, dtype) @ h_next
    gates = {"i": i, "f": f, "g": g, "o": o}
    if distances:
        gates["a"] = np.concatenate(distances)
    return h_next, c_next, gates


def lstm(
    x: ArrayLike,
    weights: Weights,
    num_layers: int = 1,
    state: tuple[ArrayLike, ArrayLike] | None = None,
    dtype: DTypeLike = np.float64,
    *,
    bidirectional: bool = False,
    lengths: ArrayLike | None = None,
    coupled: bool = False,
    gate_clip: float = 0.0,
    cell_clip: float = 0.0,
    gate_slope: float = 0.0,
) -> tuple[Array, tuple[Array, Array], list[Gates]]:
    r"""A stack of LSTM layers over whole sequences: `lstm_step`, again and again.

    Parameters
    ----------
    x : (T, I) or (T, B, I)
        One row per step, of one sequence or of B independent sequences.
    weights : mapping
        PyTorch's names: ``weight_ih_l{k}`` (4H, I for k = 0, else what the layer below gives),
        ``weight_hh_l{k}`` (4H, P), and ``bias_ih_l{k}``, ``bias_hh_l{k}`` (4H) and the projection
        ``weight_hr_l{k}`` (P, H), which may be absent: P is H then. What else `lstm_step` takes may
        be there, too. In the backward direction the names end in ``_reverse``.
    num_layers : int
        Layers on top of each other.
    state : (h, c), optional
        (S, P) and (S, H), or (S, B, P) and (S, B, H), with S = num_layers, twice that in two
        directions. None: zeros.
    dtype : dtype
        In which everything is computed.
    bidirectional : bool
        Whether every layer runs in both directions.
    lengths : (B,) of int, optional
        How many steps of each sequence are there. None: all.
    coupled, gate_clip, cell_clip, gate_slope
        As for `lstm_step`.

    Returns
    -------
    outputs : (T, P) or (T, B, P), 2P in two directions
        0 past the lengths.
    state : (h, c)
        After each sequence's last step, in the backward direction its first; shaped as above.
    trace : list of dict
        Per layer and direction ``"i"``, ``"f"``, ``"g"``, ``"o"``, ``"c"`` and ``"h"`` after every
        step, each (T, H) or (T, B, H), h (T, P) or (T, B, P); 0 past the lengths.

    Examples
    --------
    >>> weights = {"weight_ih_l0": np.ones((4, 1)), "weight_hh_l0": np.zeros((4, 1))}
    >>> outputs, (h, c), trace = lstm([[0.0], [1.0]], weights)
    >>> outputs.round(4)
    array([[0.    ],
           [0.3696]])
    >>> bool(trace[0]["c"][1] == c[0])
    True
    """
    rows, width = np.shape(weights["weight_hh_l0"])
    widths = {"h": width, "c": rows // (3 if coupled else 4)}
    step = partial(
        lstm_step,
        coupled=coupled,
        gate_clip=gate_clip,
        cell_clip=cell_clip,
        gate_slope=gate_slope,
    )
    return stack(step, x, weights, widths, num_layers, state, dtype, bidirectional, lengths)


def layer(
    x: ArrayLike, settings: Mapping[str, Any], **given: Any
) -> tuple[Array, Any, list[Gates]]:
    """`lstm` with the settings of a layer."""
    chosen: dict[str, Any] = {
        "coupled": settings.get("coupled", False) in (True, "true"),
        "gate_clip": float(settings.get("gate_clip", 0)),
        "cell_clip": float(settings.get("cell_clip", 0)),
        "gate_slope": float(settings.get("gate_slope", 0)),
    }
    return stack_layer(partial(lstm, **chosen), x, settings, **given)
