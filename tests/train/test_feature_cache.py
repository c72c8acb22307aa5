"""Laws of the cache: what comes out is what would be computed, whatever lies in the folder."""

from __future__ import annotations

import errno
import os
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.audio import AudioError
from pylstm.audio.header import Header
from pylstm.train.data import feature_cache
from pylstm.train.data.feature_cache import FeatureCache
from pylstm.train.data.recording import Recording
from tests.signals import audio

FEATURES = pylstm.MFCC()


def recording(path: Path, seconds: float = 0.3, seed: int = 0) -> Recording:
    soundfile.write(path, audio(seconds, seed), 16000, "FLOAT")
    header = Header.of(str(path))
    return Recording(str(path), 0.0, header.seconds, header, "yes")


def entries(cache: FeatureCache) -> list[Path]:
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """The files of which frames were computed."""
    found: list[str] = []
    plain = Recording.frames

    def frames(self, features, *more):
        found.append(os.path.basename(self.path))
        return plain(self, features, *more)

    monkeypatch.setattr(Recording, "frames", frames)
    return found


def test_computed_once(tmp_path, computed):
    item = recording(tmp_path / "a.wav")
    expected = FEATURES(audio(0.3))
    for _ in range(3):  # another process would make another object
        np.testing.assert_array_equal(
            FeatureCache(tmp_path / "cache").frames(item, FEATURES), expected
        )
    assert computed == ["a.wav"]


@pytest.mark.parametrize(
    "features",
    [
        pylstm.MFCC(n_mfcc=12),
        pylstm.MFCC(top_db=80.0),
        pylstm.LogMel(n_mels=13),
        pylstm.MFCC(mean=np.zeros(13), std=np.ones(13)),
        pylstm.MFCC(mean=np.ones(13), std=np.ones(13)),
    ],
    ids=repr,
)
def test_other_features_are_other_entries(tmp_path, features):
    item, cache = recording(tmp_path / "a.wav"), FeatureCache(tmp_path / "cache")
    plain = pylstm.MFCC(mean=np.full(13, 2), std=np.ones(13))
    cache.frames(item, plain)
    np.testing.assert_array_equal(cache.frames(item, features), features(audio(0.3)))
    np.testing.assert_array_equal(cache.frames(item, plain), plain(audio(0.3)))
    assert len(entries(cache)) == 2


def test_a_file_that_changes_and_another_span(tmp_path):
    path, cache = tmp_path / "a.wav", FeatureCache(tmp_path / "cache")
    before = cache.frames(recording(path, 0.3, seed=0), FEATURES)
    item = recording(path, 0.3, seed=1)  # as large as before
    os.utime(path, ns=(1, os.stat(path).st_mtime_ns + 1))
    after = cache.frames(item, FEATURES)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, FEATURES(audio(0.3, seed=1)))
    span = Recording(item.path, 0.1, 0.2, item.header, "yes")
    np.testing.assert_array_equal(
        cache.frames(span, FEATURES), FEATURES(audio(0.3, seed=1)[1600:3200])
    )


@pytest.mark.law_saves_are_whole
@given(damage=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_entries_are_computed_again(tmp_path, damage):
    item = recording(tmp_path / "a.wav", 0.05)
    os.utime(tmp_path / "a.wav", ns=(0, 0))  # the same entry in each example
    cache = FeatureCache(tmp_path / "cache")  # a new one, for each says it once
    expected = cache.frames(item, FEATURES)
    [entry] = entries(cache)
    whole = bytearray(entry.read_bytes())
    kind = damage.draw(st.sampled_from(["flip", "cut", "more", "empty", "zeros"]))
    place = damage.draw(st.integers(0, len(whole) - 1))
    if kind == "flip":
        whole[place] ^= damage.draw(st.integers(1, 255))
    entry.write_bytes(
        {"cut": whole[:place], "more": whole + b"\0", "empty": b"", "zeros": bytes(place)}.get(
            kind, whole
        )
    )
    with pytest.warns(UserWarning, match="is no cached entry or a damaged one"):
        np.testing.assert_array_equal(cache.frames(item, FEATURES), expected)
    [entry] = entries(cache)
    np.testing.assert_array_equal(cache.frames(item, FEATURES), expected)


def test_an_entry_under_another_name_is_none(tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    one, other = (recording(tmp_path / f"{k}.wav", seed=k) for k in range(2))
    cache.frames(one, FEATURES)
    [first] = entries(cache)
    expected = cache.frames(other, FEATURES)
    [second] = set(entries(cache)) - {first}
    second.write_bytes(first.read_bytes())
    with pytest.warns(UserWarning, match="damaged"):
        np.testing.assert_array_equal(cache.frames(other, FEATURES), expected)
    np.testing.assert_array_equal(cache.frames(other, FEATURES), expected)


@pytest.mark.parametrize("content", [b"", b"a", bytes(13 * 4 - 1), bytes(13 * 8 + 4)], ids=len)
def test_an_entry_without_whole_frames_is_none(tmp_path, content):
    """Even with a checksum that is right."""
    item, cache = recording(tmp_path / "a.wav"), FeatureCache(tmp_path / "cache")
    expected = cache.frames(item, FEATURES)
    [entry] = entries(cache)
    key = entry.parent.name + entry.stem
    entry.write_bytes(feature_cache._digest(key, content) + content)
    with pytest.warns(UserWarning, match="damaged"):
        np.testing.assert_array_equal(cache.frames(item, FEATURES), expected)
    np.testing.assert_array_equal(cache.frames(item, FEATURES), expected)


def test_several_at_once_share_a_folder(tmp_path):
    items = [recording(tmp_path / f"{k}.wav", 0.1, seed=k) for k in range(5)]
    expected = [item.frames(FEATURES) for item in items]
    start = threading.Barrier(6)
    wrong: list[object] = []

    def work() -> None:
        cache = FeatureCache(tmp_path / "cache")
        start.wait()
        for item, frames in zip(items, expected, strict=True):
            if not np.array_equal(cache.frames(item, FEATURES), frames):
                wrong.append(item)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    found = entries(FeatureCache(tmp_path / "cache"))
    assert [path.suffix for path in found] == [".frames"] * 5


def test_a_full_disk_is_said_once_and_ends_nothing(tmp_path, monkeypatch):
    items = [recording(tmp_path / f"{k}.wav", seed=k) for k in range(3)]
    cache = FeatureCache(tmp_path / "cache")

    def refuse(*paths):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.warns(UserWarning, match="no longer kept in .*cache: No space left") as said:
        found = [cache.frames(item, FEATURES) for item in items]
    for item, frames in zip(items, found, strict=True):
        np.testing.assert_array_equal(frames, item.frames(FEATURES))
    assert len(said) == 1
    assert entries(cache) == []


@pytest.mark.law_saves_are_whole
def test_interrupted_while_writing_leaves_nothing(tmp_path, monkeypatch):
    item, cache = recording(tmp_path / "a.wav"), FeatureCache(tmp_path / "cache")

    def interrupt(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cache.frames(item, FEATURES)
    assert entries(cache) == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(tmp_path, monkeypatch):
    item, cache = recording(tmp_path / "a.wav"), FeatureCache(tmp_path / "cache")
    plain = Recording.frames

    def changing(self, features, *more):
        frames = plain(self, features, *more)
        os.utime(self.path, ns=(1, 1))
        return frames

    monkeypatch.setattr(Recording, "frames", changing)
    cache.frames(item, FEATURES)
    assert entries(cache) == []


def test_what_a_cache_may_be(tmp_path):
    cache = FeatureCache(tmp_path / "deep" / "cache")
    assert cache.folder.is_dir()
    assert FeatureCache.of(cache) is cache
    assert FeatureCache.of(None) is None
    assert FeatureCache.of(str(tmp_path)).folder == tmp_path
    assert repr(cache) == f"FeatureCache({str(cache.folder)!r})"
    with pytest.raises(TypeError, match="cache is int; expected a FeatureCache or a path"):
        FeatureCache.of(3)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        FeatureCache(tmp_path / "file")


def test_a_recording_that_is_gone(tmp_path):
    item = recording(tmp_path / "a.wav")
    (tmp_path / "a.wav").unlink()
    with pytest.raises(AudioError, match=r"cannot read .*a\.wav: No such file"):
        FeatureCache(tmp_path / "cache").frames(item, FEATURES)


def test_a_folder_that_is_removed_in_between(tmp_path):
    item, cache = recording(tmp_path / "a.wav"), FeatureCache(tmp_path / "cache")
    cache.folder.rmdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.frames(item, FEATURES)
    assert len(entries(cache)) == 1


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(NotADirectoryError, match="expected a folder"):
        FeatureCache(tmp_path / "cache")
