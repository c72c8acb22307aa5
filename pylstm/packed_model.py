"""A model as the engine has it: what it takes and gives, its streams and its listeners."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias, Unpack

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.arguments import count
from pylstm.decisions.event import event
from pylstm.decisions.settings import DecisionSettings, settings_as_text
from pylstm.free_memory import check_free
from pylstm.layers.graph import Node
from pylstm.layers.probabilities import OutputRanges

__all__ = ["PackedModel"]


# What selects columns of an array; mypy's slice[Any, Any, Any] says nothing more.
OutputColumns: TypeAlias = "slice[int, int, None]"


class PackedModel:
    """What the engine does with a model. `Model` adds what it is made of, and files."""

    _core: _engine.Core
    _labels: tuple[str, ...] | None
    _nodes: tuple[Node, ...]

    @property
    def sample_rate(self) -> int | None:
        """Sample rate of the audio that it takes, Hz; None without features."""
        return self._core.sample_rate or None

    @property
    def n_features(self) -> int:
        """Width of a frame."""
        return self._core.n_features

    @property
    def n_outputs(self) -> int:
        """Width of a row of output."""
        return self._core.n_outputs

    @property
    def outputs(self) -> Mapping[str, OutputColumns]:
        """The parts of a row of output by the names of the nodes that give them.

        Where the last node is a `Concat` of whole rows, the nodes that it joins: several heads.
        Otherwise the last node alone.

        Examples
        --------
        >>> import pylstm
        >>> heads = {"gru": pylstm.GRU(13, 8, seed=0)}
        >>> heads["speech"] = (pylstm.Dense(8, 1, "sigmoid", seed=0), "gru")
        >>> heads["words"] = (pylstm.Dense(8, 3, "softmax", seed=0), "gru")
        >>> heads["both"] = (pylstm.Concat(), "speech", "words")
        >>> model = pylstm.Model(pylstm.MFCC(), heads)
        >>> rows = model.run(np.zeros(160, np.float32))
        >>> rows[:, model.outputs["speech"]].shape, rows[:, model.outputs["words"]].shape
        ((2, 1), (2, 3))
        """
        return MappingProxyType(
            {name: slice(start, start + size) for name, start, size in self._core.output_parts}
        )

    @property
    def hop_length(self) -> int | None:
        """Samples from one row of output to the next; None without features.

        That of the features, times the frames that layers with a stride skip.
        """
        return self._core.hop_length or None

    @property
    def latency(self) -> int:
        """How many samples after the time that it stands for a row comes out: see `row_times`.

        Rows that need the very first frames can be later, as `MFCC.latency` says.
        """
        return self._core.latency

    def row_times(self, n: int, first: int = 0) -> NDArray[np.float64]:
        """The times in the audio that rows of output stand for.

        ``(first_sample + (first + k) * hop_length) / sample_rate`` for k from 0 to n - 1, where
        `first_sample` is above 0 if layers wait for the frames of their first row. Onsets and
        offsets of events count the same way. A row comes out `latency` samples after its time.

        Parameters
        ----------
        n : int
            How many rows.
        first : int
            The first of them, counted from the beginning of the stream.

        Returns
        -------
        array, shape (n,), float64
            Seconds from the beginning of the audio.

        Raises
        ------
        ValueError
            The model has no features, so that its frames have no times.

        Examples
        --------
        >>> import pylstm
        >>> pylstm.load("keywords").row_times(3)
        array([0.  , 0.01, 0.02])
        """
        n, first = count("n", n, 0), count("first", first, 0, 2**53)
        if self.sample_rate is None:
            raise ValueError(
                "the model has no features; expected some, so that its rows have times"
            )
        samples = self._core.first_sample + (np.arange(n) + first) * float(self._core.hop_length)
        return samples / self.sample_rate

    @property
    def stream_bytes(self) -> int:
        """Bytes that each stream holds: what it remembers, and nothing else."""
        return self._core.state_bytes

    @property
    def isa(self) -> str:
        """The instruction set whose kernels run it."""
        return self._core.isa

    def stream(self) -> _engine.Stream:
        """A new stream, at its beginning.

        Returns
        -------
        Stream
        """
        return _engine.Stream(self._core, self)

    def streams(self, n: int, *, threads: int = 1) -> _engine.Streams:
        """Many streams that are pushed together, the weights read once for all of them.

        Parameters
        ----------
        n : int
            How many.
        threads : int
            How many threads work on a push, the calling one included.

        Returns
        -------
        Streams

        Raises
        ------
        MemoryError
            So many streams need more memory than is free.

        Examples
        --------
        >>> import numpy as np, pylstm
        >>> model = pylstm.Model(pylstm.MFCC(), [pylstm.LSTM(13, 32, seed=0)])
        >>> pool = model.streams(100)
        >>> rows = pool.push({3: np.zeros(1600, np.float32), 42: np.zeros(160, np.int16)})
        >>> {slot: r.shape for slot, r in rows.items()}
        {3: (9, 32), 42: (0, 32)}
        """
        return _engine.Streams(self._core, self, n, threads, _room_for(self._core.stream_bytes))

    def listener(self, **settings: Unpack[DecisionSettings]) -> _engine.Listener:
        """A new listener, at its beginning: a stream and the decision on its posteriors in one.

        Parameters
        ----------
        **settings
            Settings of the decision, which replace those in the model's file one by one; a `kind`
            that is not the file's replaces all of them. `DecisionSettings` lists them.

        Returns
        -------
        Listener

        Raises
        ------
        TypeError, ValueError
            A setting is wrong, missing or none of this kind of decision, or the model has no
            features, so that its frames have no times.

        Warns
        -----
        RuntimeWarning
            Rows that the decision looks at can leave 0 to 1, as those of a linear layer do: they
            are no probabilities. They are taken as they are.

        Examples
        --------
        >>> import numpy as np, pylstm
        >>> listener = pylstm.load("keywords").listener(threshold=0.6, refractory_frames=20)
        >>> listener.push(np.zeros(1600, np.float32))
        []
        >>> listener.decision["threshold"], listener.decision["refractory_frames"]
        (0.6, 20)
        """
        return self._new_listener(settings, stacklevel=3)

    def _new_listener(self, settings: DecisionSettings, stacklevel: int) -> _engine.Listener:
        """A new listener; stacklevel is that of a warning from here."""
        decision = self._decides(settings_as_text(self._labels, settings))
        self._warn_of_rows(decision, stacklevel + 1)
        return _engine.Listener(self._core, self, decision)

    def _listener(self, texts: Sequence[tuple[str, str]]) -> _engine.Listener:
        """A listener with settings as the engine takes them: pickles of listeners hold these."""
        return _engine.Listener(self._core, self, self._decides(texts))

    def listeners(
        self, n: int, *, threads: int = 1, **settings: Unpack[DecisionSettings]
    ) -> _engine.Listeners:
        """Many listeners that are pushed together, the weights read once for all of them.

        Parameters
        ----------
        n : int
            How many.
        threads : int
            How many threads work on a push, the calling one included.
        **settings
            As in `listener`.

        Returns
        -------
        Listeners

        Raises
        ------
        TypeError, ValueError
            As in `listener`.
        MemoryError
            So many listeners need more memory than is free.

        Warns
        -----
        RuntimeWarning
            As `listener`.

        Examples
        --------
        >>> import numpy as np, pylstm
        >>> pool = pylstm.load("keywords").listeners(100)
        >>> pool.push({3: np.zeros(1600, np.float32), 42: np.zeros(160, np.int16)})
        {3: [], 42: []}
        """
        decision = self._decides(settings_as_text(self._labels, settings))
        self._warn_of_rows(decision, stacklevel=3)
        room = _room_for(decision.listener_bytes)
        return _engine.Listeners(self._core, self, decision, n, threads, room)

    def _decides(self, texts: Sequence[tuple[str, str]]) -> _engine.Decision:
        return _engine.Decision.for_model(self._core, texts, event)

    @cached_property
    def _ranges(self) -> OutputRanges:
        """Whether its rows are probabilities."""
        return OutputRanges.of(self._nodes, self.n_features)

    def _warn_of_rows(self, decision: _engine.Decision, stacklevel: int) -> None:
        """Warns where a decision takes something for probabilities that is none."""
        if not self._ranges.problem:
            return
        columns, found = list(range(self.n_outputs)), decision.in_force
        if found["kind"] == "segments":
            label = found["label"]
            columns = [label if self._labels is None else self._labels.index(label)]
        elif found["kind"] == "words":
            columns = [k for k in columns if decision.threshold(k) > 0]
        if trouble := self._ranges.trouble(columns):
            warnings.warn(
                f"{trouble}. They are taken as they are now", RuntimeWarning, stacklevel=stacklevel
            )

    def run(self, pcm: NDArray[Any]) -> NDArray[np.float32]:
        """Runs a whole recording: the rows that a stream gives over push and flush, bit for bit.

        Parameters
        ----------
        pcm : array, shape (n,), float32 or int16
            One channel at `sample_rate`; int16 is divided by 32768.

        Returns
        -------
        array, shape (T, n_outputs), float32

        Warns
        -----
        RuntimeWarning
            As `Stream.push`: these are probably 16-bit values.

        Notes
        -----
        `top_db`, where the features have it, is clamped against the running maximum, as in a
        stream.
        """
        return _engine.run(self._core, pcm)


def _room_for(each: int) -> Callable[[int], None]:
    """What refuses to make more objects of so many bytes than there is memory for."""

    def check_room(n: int) -> None:
        check_free(f"n is {n}", n * each, each=each)

    return check_room
