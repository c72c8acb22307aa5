"""Laws of batches: every sequence once an epoch, the same for the same seed, nothing but padding
added; and chunks that put together are the batch they were cut from."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.train.data.arrays import Arrays
from pylstm.train.data.batch import Batch, collate
from pylstm.train.data.batch_order import batch_order
from pylstm.train.data.truncated import Truncated

LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=40)


def sequences(lengths: list[int], width: int = 2) -> list[np.ndarray]:
    """Every frame tells its sequence and its place in it."""
    return [
        np.stack([np.full(n, k + 1), np.arange(1, n + 1)], 1).astype(np.float32)[:, :width]
        for k, n in enumerate(lengths)
    ]


def same(one: Batch, other: Batch) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@given(LENGTHS, st.integers(1, 9), st.booleans(), st.booleans(), st.integers(0, 9))
@settings(deadline=None)
def test_every_sequence_once_with_its_target(lengths, size, shuffle, bucket, seed):
    xs = sequences(lengths)
    ys = [x[:, 0].astype(int) * 100 + x[:, 1].astype(int) for x in xs]
    weights = [x[:, 1] for x in xs]
    source = Arrays(xs, ys, size, shuffle=shuffle, bucket=bucket, weights=weights)
    batches = list(source.batches(0, seed))
    assert len(batches) == source.n_batches
    seen = []
    for x, counts, targets, packed, continues in batches:
        assert continues is None
        assert x.flags.c_contiguous
        assert x.dtype == np.float32
        assert x.shape == (counts.max(), len(counts), 2)
        assert len(counts) <= size
        past = np.arange(len(x))[:, None] >= counts
        assert not x[past].any()
        assert not targets[past].any()
        assert not packed[past].any()
        np.testing.assert_array_equal(targets, x[..., 0] * 100 + x[..., 1])
        np.testing.assert_array_equal(packed, x[..., 1])
        seen += [(int(x[0, row, 0]), int(n)) for row, n in enumerate(counts)]
    assert sorted(seen) == [(k + 1, n) for k, n in enumerate(lengths)]
    assert sum(len(batch.lengths) < size for batch in batches) <= 1


@given(LENGTHS, st.integers(1, 5), st.integers(0, 3), st.integers(0, 3))
@settings(deadline=None)
def test_an_epoch_depends_on_epoch_and_seed_alone(lengths, size, epoch, seed):
    fresh, used = (Arrays(sequences(lengths), [0] * len(lengths), size) for _ in range(2))
    for _ in used.batches(epoch + 1, seed):
        break  # an epoch that nobody finished
    list(used.batches(epoch, seed))
    pairs = zip(fresh.batches(epoch, seed), used.batches(epoch, seed), strict=True)
    assert all(same(one, other) for one, other in pairs)


def test_epochs_and_seeds_differ():
    lengths = np.ones(100, int)

    def order(epoch: int, seed: int) -> tuple[int, ...]:
        return tuple(np.concatenate(batch_order(lengths, 8, True, True, epoch, seed)).tolist())

    orders = {order(epoch, seed) for epoch in range(5) for seed in range(5)}
    assert len(orders) == 25


@pytest.mark.slow
@given(st.lists(st.integers(1, 1000), min_size=9, max_size=300), st.integers(1, 9))
@settings(deadline=None)
def test_buckets_need_the_least_padding(lengths, size):
    # A smaller last batch could be a lucky one.
    lengths = lengths[: len(lengths) // size * size]

    def padded(batches: list[np.ndarray]) -> int:
        return sum(len(rows) * np.array(lengths)[rows].max() for rows in batches)

    array = np.array(lengths)
    plain = padded(batch_order(array, size, False, False, 0, 0))
    sorted_ = padded(batch_order(array, size, False, True, 0, 0))
    assert sorted_ <= plain
    if len(lengths) <= size * 64:  # one pool: as good as sorted
        assert padded(batch_order(array, size, True, True, 0, 0)) == sorted_


def test_without_shuffle_and_bucket_the_order_is_the_given_one():
    source = Arrays(sequences([3, 1, 2]), [7, 8, 9], 2, shuffle=False, bucket=False)
    first, second = source.batches(5, 5)
    assert (first.targets.tolist(), second.targets.tolist()) == ([7, 8], [9])


def test_what_a_target_belongs_to():
    xs = sequences([2, 3])
    assert Arrays(xs, np.array([0, 1], np.uint8)).per == "sequence"
    assert Arrays(xs, [[0, 1], [0, 1, 2]]).per == "frame"
    transcripts = Arrays(xs, [np.array([1]), np.zeros(0, int)], per="transcript")
    [batch] = transcripts.batches(0, 0)
    assert sorted(map(len, batch.targets)) == [0, 1]
    values = [np.ones((2, 4), np.float32), np.ones((3, 4), np.float32)]
    [batch] = Arrays(xs, values).batches(0, 0)
    assert batch.targets.shape == (3, 2, 4)
    assert batch.targets.dtype == np.float32
    [batch] = Arrays(xs, [v[0] for v in values], weights=[1, 2], per="sequence").batches(0, 0)
    assert (batch.targets.shape, batch.weights.shape) == ((2, 4), (2,))
    assert batch.weights.dtype == np.float32


# --- truncated ---------------------------------------------------------------------------------


@pytest.mark.slow
@given(LENGTHS, st.integers(1, 9), st.integers(1, 15), st.booleans(), st.integers(0, 3))
@settings(deadline=None)
def test_chunks_put_together_are_the_batches(lengths, size, frames, weighted, seed):
    xs = sequences(lengths)
    ys = [x[:, 1].astype(int) for x in xs]
    source = Arrays(xs, ys, size, weights=[x[:, 0] for x in xs] if weighted else None)
    rebuilt: list[list] = []
    before: list[int] = []  # which of `rebuilt` each row of the chunk before is
    for chunk in Truncated(source, frames).batches(0, seed):
        assert chunk.lengths.min() >= 1
        assert chunk.lengths.max() == len(chunk.x) <= frames
        assert chunk.x.flags.c_contiguous
        continues = chunk.continues
        if continues is None:
            continues = np.full(len(chunk.lengths), -1)
        rows = []
        for row, came_from in enumerate(continues):
            if came_from < 0:
                rebuilt.append([])
                rows.append(len(rebuilt) - 1)
            else:
                rows.append(before[came_from])
            n = chunk.lengths[row]
            parts = [chunk.x[:n, row], chunk.targets[:n, row, None]]
            if weighted:
                parts.append(chunk.weights[:n, row, None])
            rebuilt[rows[-1]].append(np.concatenate(parts, axis=1))
            assert not chunk.x[n:, row].any()
        assert len(set(rows)) == len(rows)
        before = rows
    expected = []
    for batch in source.batches(0, seed):
        for row, n in enumerate(batch.lengths):
            parts = [batch.x[:n, row], batch.targets[:n, row, None]]
            if weighted:
                parts.append(batch.weights[:n, row, None])
            expected.append(np.concatenate(parts, axis=1))
    for chunks, whole in zip(rebuilt, expected, strict=True):
        np.testing.assert_array_equal(np.concatenate(chunks), whole)
        assert {len(chunk) for chunk in chunks[:-1]} <= {frames}


@pytest.mark.slow
@given(LENGTHS, st.integers(1, 9), st.integers(1, 3), st.integers(1, 4))
@settings(deadline=None)
def test_chunks_of_chunks_are_chunks(lengths, size, frames, times):
    xs = sequences(lengths)
    source = Arrays(xs, [x[:, 1].astype(int) for x in xs], size)
    once = Truncated(source, frames).batches(0, 0)
    twice = Truncated(Truncated(source, times * frames), frames).batches(0, 0)
    for one, other in zip(once, twice, strict=True):
        for a, b in zip(one, other, strict=True):
            assert (a is None) == (b is None)
            np.testing.assert_array_equal(a, b)


def test_chunks_of_rows_that_carry_on_from_what_is_gone():
    class Rows:
        n_batches = 2

        def __init__(self, came):
            self.came = came

        def batches(self, epoch, seed):
            for continues in (None, np.array([-1, self.came])):
                x, targets = np.ones((4, 2, 1), np.float32), np.ones((4, 2), int)
                yield Batch(x, np.array([2, 4]), targets, None, continues)

    first, *others = [chunk.continues for chunk in Truncated(Rows(1), 3).batches(0, 0)]
    assert first is None
    assert [rows.tolist() for rows in others] == [[1], [-1, 0], [1]]
    for came in (0, 2):
        with pytest.raises(ValueError, match="carries on from a row that is not in the last chunk"):
            list(Truncated(Rows(came), 3).batches(0, 0))


def test_chunks_of_targets_that_do_not_belong_to_frames():
    with pytest.raises(ValueError, match="target per sequence; expected one per frame"):
        Truncated(Arrays(sequences([3]), [0]), 2)

    class Foreign:
        n_batches = 1

        def batches(self, epoch, seed):
            yield collate(sequences([3]), [np.array(0)], "sequence")

    with pytest.raises(
        ValueError, match=r"targets has shape .1,.; expected .3, 1., one for each frame"
    ):
        list(Truncated(Foreign(), 2).batches(0, 0))
    with pytest.raises(TypeError, match="source is list"):
        Truncated([], 2)
    with pytest.raises(ValueError, match="frames is 0; expected 1 or more"):
        Truncated(Arrays(sequences([3]), [[0, 0, 0]]), 0)


# --- what is refused -----------------------------------------------------------------------------

X = np.ones((3, 2), np.float32)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], []), ValueError, "xs is empty"),
        ((np.ones((2, 3, 2), np.float32), [0, 1]), TypeError, "xs is one array of shape (2, 3, 2)"),
        (([X.astype(float)], [0]), TypeError, "xs[0] is float64 with shape (3, 2)"),
        (([X, X[0]], [0, 1]), TypeError, "xs[1] is float32 with shape (2,)"),
        (([X, X[:0]], [0, 1]), ValueError, "xs[1] has shape (0, 2); expected at least one frame"),
        (
            ([X, X[:, :1]], [0, 1]),
            ValueError,
            "xs[1] has 1 value in a frame; expected 2, as xs[0]",
        ),
        (([X * np.float32(np.nan)], [0]), ValueError, "xs[0] is nan at frame 0, value 0"),
        (([X], [0, 1]), ValueError, "ys has 2 entries; expected 1"),
        (([X], 0), TypeError, "ys is int"),
        (([X], [0.5]), TypeError, "ys[0] is float; expected whole numbers"),
        (([X], [True]), TypeError, "ys[0] is bool"),
        (([X], [[0, 1]]), ValueError, "say what a target belongs to"),
        (([X, X], [0, [0, 1, 2]]), ValueError, "say what a target belongs to"),
        (([X], [np.array([np.nan] * 3, np.float32)]), ValueError, "ys[0] holds NaN"),
        (
            ([X], [2**64 - 1]),
            ValueError,
            "ys[0] holds 18446744073709551615; expected what an int64",
        ),
    ],
)
def test_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Arrays(*arguments)


@pytest.mark.parametrize(
    ("ys", "settings", "error", "message"),
    [
        ([0], {"batch_size": 0}, ValueError, "batch_size is 0; expected 1 or more"),
        ([0], {"batch_size": 2.0}, TypeError, "batch_size is 2.0; expected a whole number"),
        ([0], {"shuffle": 1}, TypeError, "shuffle is 1; expected True or False"),
        ([0], {"per": "word"}, ValueError, "per is 'word'"),
        ([[1, 2]], {"per": "frame"}, ValueError, "ys[0] has shape (2,); expected (3,), per frame"),
        ([0], {"per": "transcript"}, TypeError, "ys[0] is int64 with shape ()"),
        ([0], {"weights": [-1]}, ValueError, "weights[0] holds a negative value"),
        ([0], {"weights": [1, 2]}, ValueError, "weights has 2 entries; expected 1"),
        ([0], {"weights": [[1, 1, 1]]}, ValueError, "weights[0] has shape (3,); expected ()"),
        ([0], {"weights": ["much"]}, TypeError, "weights[0] is str; expected numbers"),
    ],
)
def test_refused_settings(ys, settings, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Arrays([X], ys, **settings)


@pytest.mark.parametrize("name", ["epoch", "seed"])
def test_numbers_of_epochs_and_seeds(name):
    with pytest.raises(ValueError, match=f"{name} is -1; expected 0 or more"):
        list(Arrays([X], [0]).batches(**{"epoch": 0, "seed": 0, name: -1}))
