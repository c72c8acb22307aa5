"""Optimisers: steps that change the parameters by their gradients.

All work in place on one flat float32 array, block by block, so that everything that a block needs
stays in the cache. They allocate nothing after the first step. The formulas, their order of
operations included, are those of ``torch.optim`` (PyTorch 2.13): after 100 steps the parameters are
PyTorch's within 1e-6 of their size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import described, flag, listing, number, number_of
from pylstm.train.settings_repr import SettingsRepr

__all__ = ["SGD", "Adam", "AdamW", "Optimiser", "clip_global_norm"]

Array = NDArray[np.float32]

# Values a block: 64 KB an array, so that the six of Adam fit into a second-level cache of 512 KB.
BLOCK = 16384


def _check_flat(name: str, values: object) -> Array:
    if not isinstance(values, np.ndarray) or values.dtype != np.float32:
        raise TypeError(f"{name} is {described(values)}; expected an array of float32")
    if values.ndim != 1 or not values.flags.c_contiguous:
        raise ValueError(f"{name} has shape {values.shape}; expected one dimension, contiguous")
    return values


class Optimiser(SettingsRepr):
    """Base of all optimisers.

    Attributes
    ----------
    lr : float
        The learning rate of a step without its own.
    """

    # The arrays that go from step to step, under PyTorch's names.
    buffers: tuple[str, ...]
    # Whether weights decay by themselves, not through the gradient.
    decoupled: ClassVar[bool] = False

    def __init__(self, lr: float, weight_decay: float) -> None:
        self.lr = number("lr", lr)
        self.weight_decay = number("weight_decay", weight_decay)
        self._steps = 0
        self._arrays: dict[str, Array] = {}
        self._scratch = (np.empty(0, np.float32), np.empty(0, np.float32))

    def step(self, parameters: Array, gradients: Array, lr: float | None = None) -> None:
        """One step, in place.

        Parameters
        ----------
        parameters : (n,) float32
            Changed; in one piece.
        gradients : (n,) float32
            Not changed. Must be finite, or parameters become NaN.
        lr : float, optional
            The learning rate of this step; 0 is allowed. None: `lr` of the optimiser.

        Raises
        ------
        TypeError, ValueError
            An array is not flat, float32 and of the size of the other and of earlier steps; lr is
            negative or not finite. Nothing has changed then.
        """
        lr = number("lr", self.lr if lr is None else lr)
        _check_flat("parameters", parameters)
        _check_flat("gradients", gradients)
        size = parameters.size
        if gradients.size != size:
            raise ValueError(
                f"gradients has {number_of(gradients.size, 'value')};"
                f" expected {size}, as parameters"
            )
        if not parameters.flags.writeable:
            raise ValueError("parameters is read-only; expected an array that a step can change")
        if np.may_share_memory(parameters, gradients):
            raise ValueError("gradients shares memory with parameters; expected another array")
        for name, array in self._arrays.items():
            if array.size != size:
                raise ValueError(
                    f"parameters has {number_of(size, 'value')}; expected {array.size}, as"
                    f" {name!r} of earlier steps or a state (an optimiser belongs to one network)"
                )
        if not self._arrays:
            self._arrays = {name: np.zeros(size, np.float32) for name in self.buffers}
        if self._scratch[0].size != min(size, BLOCK):
            self._scratch = tuple(np.empty(min(size, BLOCK), np.float32) for _ in range(2))  # type: ignore[assignment]
        self._steps += 1
        arrays = [self._arrays[name] for name in self.buffers]
        with np.errstate(all="ignore"):  # an error would leave half a step
            for start in range(0, size, BLOCK):
                block = slice(start, min(start + BLOCK, size))
                a, b = (scratch[: block.stop - start] for scratch in self._scratch)
                p, g = parameters[block], gradients[block]
                if self.weight_decay and self.decoupled:
                    p *= 1 - lr * self.weight_decay
                elif self.weight_decay:
                    np.multiply(p, self.weight_decay, out=b)
                    b += g
                    g = b
                self._update(p, g, lr, a, *(x[block] for x in arrays))

    def _update(self, p: Array, g: Array, lr: float, a: Array, *arrays: Array) -> None:
        """A step of one block, weight decay done or in the gradient; a is scratch."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """What is kept from step to step: ``step``, their number, and copies of arrays.

        Hyperparameters are not included.

        Returns
        -------
        dict of str to int or ndarray
        """
        return {"step": self._steps} | {name: x.copy() for name, x in self._arrays.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues bit for bit where `state` was taken, given the same hyperparameters.

        Parameters
        ----------
        state : mapping
            What `state` returned; copied.

        Raises
        ------
        TypeError, ValueError
            The state is not one of this kind of optimiser. Nothing has changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state is {described(state)}; expected what state() returned")
        steps = state.get("step")
        if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
            raise ValueError(f"'step' of the state is {steps!r}; expected a whole number from 0 on")
        expected = ("step", *(self.buffers if steps else ()))
        if set(state) != set(expected):
            raise ValueError(
                f"state has {listing(state)}; expected {listing(expected)} for"
                f" {type(self).__name__} after {number_of(int(steps), 'step')}"
            )
        arrays = {name: _check_flat(f"{name!r} of the state", state[name]) for name in expected[1:]}
        if len({array.size for array in arrays.values()}) > 1:
            sizes = ", ".join(f"{name!r} {array.size}" for name, array in arrays.items())
            raise ValueError(f"arrays of the state have the sizes {sizes}; expected one size")
        self._steps = int(steps)
        self._arrays = {name: array.copy() for name, array in arrays.items()}


class SGD(Optimiser):
    r"""Stochastic gradient descent with optional momentum [1]_.

    With learning rate η, weight decay λ and momentum μ:

    .. math::

        g &← g + λ θ \\
        b &← μ b + g \qquad (\text{first step: } b ← g) \\
        θ &← θ - η b, \qquad \text{nesterov: } θ ← θ - η (g + μ b)

    as ``torch.optim.SGD`` (PyTorch 2.13) has it, without dampening.

    Parameters
    ----------
    lr : float
        η, 0 or more.
    momentum : float, default 0
        μ, from 0 to below 1.
    nesterov : bool, default False
        Needs momentum.
    weight_decay : float, default 0
        λ, 0 or more; applies to every parameter.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton. On the importance of initialization and
       momentum in deep learning. ICML 2013, 1139-1147.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.train.optimisers import SGD
    >>> parameters = np.array([1.0, 2.0], np.float32)
    >>> SGD(lr=0.5).step(parameters, np.array([1.0, -1.0], np.float32))
    >>> parameters
    array([0.5, 2.5], dtype=float32)
    """

    def __init__(
        self,
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        self.momentum = number("momentum", momentum, below=1)
        self.nesterov = flag("nesterov", nesterov)
        if nesterov and not momentum:
            raise ValueError(f"nesterov is True, momentum is {momentum!r}; expected above 0")
        self.buffers = ("momentum_buffer",) if momentum else ()

    def _update(self, p: Array, g: Array, lr: float, a: Array, *arrays: Array) -> None:
        if self.momentum:
            (momentum,) = arrays
            momentum *= self.momentum  # 0 before the first step
            momentum += g
            if self.nesterov:
                np.multiply(momentum, self.momentum, out=a)
                a += g
                g = a
            else:
                g = momentum
        np.multiply(g, lr, out=a)
        p -= a


class Adam(Optimiser):
    r"""Adaptive moments [1]_.

    With learning rate η and t counting steps from 1:

    .. math::

        g &← g + λ θ \\
        m &← β_1 m + (1 - β_1) g \\
        v &← β_2 v + (1 - β_2) g^2 \\
        θ &← θ - \frac{η}{1 - β_1^t} \cdot \frac{m}{\sqrt{v} / \sqrt{1 - β_2^t} + ε}

    as ``torch.optim.Adam`` (PyTorch 2.13) has it.

    Parameters
    ----------
    lr : float, default 0.001
        η, 0 or more.
    betas : (float, float), default (0.9, 0.999)
        β, each from 0 to below 1.
    eps : float, default 1e-8
        ε, 0 or more.
    weight_decay : float, default 0
        λ, 0 or more; applies to every parameter, through the gradient. See `AdamW`.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba. Adam: A Method for Stochastic Optimization. ICLR 2015.

    Examples
    --------
    The first step is as long as the learning rate, however large the gradient is:

    >>> import numpy as np
    >>> from pylstm.train.optimisers import Adam
    >>> parameters = np.zeros(2, np.float32)
    >>> Adam(lr=0.5).step(parameters, np.array([1e-3, -1e3], np.float32))
    >>> parameters.round(4)
    array([-0.5,  0.5], dtype=float32)
    """

    buffers = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"betas is {betas!r}; expected two numbers")
        self.betas = (number("betas[0]", betas[0], below=1), number("betas[1]", betas[1], below=1))
        self.eps = number("eps", eps)

    def _update(self, p: Array, g: Array, lr: float, a: Array, *arrays: Array) -> None:
        m, v = arrays
        beta1, beta2 = self.betas
        np.subtract(g, m, out=a)
        if beta1 > 0.5:
            a *= 1 - beta1
            m += a
        else:  # from the other end: a small g after a large m would drown in its rounding
            a *= beta1
            np.subtract(g, a, out=m)
        np.multiply(g, g, out=a)
        a *= 1 - beta2
        v *= beta2
        v += a
        # Both sides of the fraction are multiplied by the root of 1 - beta2^t: one pass fewer.
        root = math.sqrt(1 - beta2**self._steps)
        np.sqrt(v, out=a)
        a += self.eps * root
        np.divide(m, a, out=a)
        a *= lr * root / (1 - beta1**self._steps)
        p -= a


class AdamW(Adam):
    r"""Adam whose weight decay does not go through the gradient [1]_.

    .. math:: θ ← (1 - η λ) θ

    and then `Adam` without weight decay, as ``torch.optim.AdamW`` (PyTorch 2.13) has it.

    Parameters
    ----------
    lr, betas, eps
        As in `Adam`.
    weight_decay : float, default 0.01
        λ, 0 or more; applies to every parameter.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter. Decoupled Weight Decay Regularization. ICLR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.train.optimisers import AdamW
    >>> parameters = np.ones(1, np.float32)
    >>> AdamW(lr=0.1, weight_decay=0.5).step(parameters, np.zeros(1, np.float32))
    >>> parameters
    array([0.95], dtype=float32)
    """

    decoupled = True

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)


def clip_global_norm(gradients: Array, max_norm: float) -> float:
    r"""Scales gradients down, in place, to a maximum Euclidean norm.

    .. math:: g ← \min\Bigl(1, \frac{c}{\lVert g \rVert + 10^{-6}}\Bigr) g

    as ``torch.nn.utils.clip_grad_norm_`` (PyTorch 2.13) has it, the norm in float64.

    Parameters
    ----------
    gradients : (n,) float32
        Changed if their norm is too large; not if it is NaN or infinite.
    max_norm : float
        c, above 0.

    Returns
    -------
    float
        The norm before scaling.

    Raises
    ------
    TypeError, ValueError
        The gradients are not flat and float32, or `max_norm` is not above 0 and finite.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.train.optimisers import clip_global_norm
    >>> gradients = np.array([3.0, 4.0], np.float32)
    >>> clip_global_norm(gradients, max_norm=1.0)
    5.0
    >>> gradients.round(4)
    array([0.6, 0.8], dtype=float32)
    """
    _check_flat("gradients", gradients)
    if not number("max_norm", max_norm) > 0:
        raise ValueError(f"max_norm is {max_norm!r}; expected above 0")
    if not gradients.flags.writeable:
        raise ValueError("gradients is read-only; expected an array that clipping can change")
    squares = 0.0
    with np.errstate(invalid="ignore"):
        for start in range(0, gradients.size, BLOCK):
            block = gradients[start : start + BLOCK].astype(np.float64)
            squares += float(block @ block)
    norm = math.sqrt(squares)
    if math.isfinite(norm) and norm + 1e-6 > max_norm:
        gradients *= np.float32(max_norm / (norm + 1e-6))
    return norm
