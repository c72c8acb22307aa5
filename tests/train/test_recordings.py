"""Recordings from folders: what is found, what is refused, who is on which side."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.audio.header import Header
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.recording import Recording
from pylstm.train.data.recordings import Recordings, Split
from pylstm.train.data.speaker_split import sides_of
from tests.audio_files import sound
from tests.train.recording_sets import csv, folders, speakers

FEATURES = pylstm.MFCC()


# --- folders -------------------------------------------------------------------------------------


def test_a_folder_a_label(tmp_path):
    root = folders(tmp_path, ["yes/b.wav", "yes/a.flac", "no/c.wav", "_background_noise_/hum.wav"])
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "_background_noise_" / "README.md").write_text("about")
    (tmp_path / "yes" / ".DS_Store").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    recordings = Recordings.from_folder(root)
    assert recordings.labels == ("no", "yes")
    assert recordings.per == "sequence"
    assert [Path(item.path).name for item in recordings.items] == ["c.wav", "a.flac", "b.wav"]
    assert [Path(path).name for path in recordings.noises] == ["hum.wav"]
    assert recordings.counts() == {"no": 1, "yes": 2}
    assert recordings.rates() == {16000: 3}
    assert len(recordings) == 3
    assert recordings.seconds == pytest.approx(0.1 + 0.12 + 0.14)
    assert "3 recordings, 2 labels" in repr(recordings)
    recordings.check()


def test_some_folders_and_the_others(tmp_path):
    root = folders(tmp_path, [f"{label}/a.wav" for label in ("yes", "no", "cat", "dog")])
    assert Recordings.from_folder(root, labels=["yes", "no"]).labels == ("no", "yes")
    recordings = Recordings.from_folder(root, labels=["yes"], others="unknown")
    assert recordings.counts() == {"unknown": 3, "yes": 1}
    with pytest.raises(RecordingsError, match="maybe does not exist"):
        Recordings.from_folder(root, labels=["yes", "maybe"])
    recordings = Recordings.from_folder(root, labels=["yes"], others="cat")  # and it is a folder
    assert recordings.counts() == {"cat": 3, "yes": 1}
    with pytest.raises(ValueError, match="others is 'yes', which is one of labels"):
        Recordings.from_folder(root, labels=["yes"], others="yes")
    with pytest.raises(ValueError, match="others is 'unknown' and labels is None"):
        Recordings.from_folder(root, others="unknown")
    with pytest.raises(TypeError, match="expected a list"):
        Recordings.from_folder(root, labels="yes")


def test_lists_say_who_is_on_which_side(tmp_path):
    root = speakers(tmp_path, ["yes", "no"], 6)
    csv(tmp_path / "validation_list.txt", "yes/s0_nohash_0.wav", "no/s1_nohash_0.wav")
    csv(tmp_path / "testing_list.txt", "yes/s2_nohash_0.wav", "")
    split = Recordings.from_folder(root).split(validation=0.5)
    assert [len(part) for part in split] == [9, 2, 1]
    assert {Path(i.path).name[:2] for i in split.validation.items} == {"s0", "s1"}
    split = Recordings.from_folder(root).split(validation=0.5, testing=0.5 - 1e-9)
    assert [len(part) for part in split] == [9, 2, 1]  # shares are for who has no list
    (tmp_path / "testing_list.txt").unlink()
    split = Recordings.from_folder(root).split(validation=0.5, testing=0.3)
    assert len(split.validation) == 2
    assert len(split.testing) >= 2
    csv(tmp_path / "testing_list.txt", "yes/s2_nohash_0.wav")
    (tmp_path / "validation_list.txt").unlink()
    split = Recordings.from_folder(root).split(validation=0.3, testing=0.3)
    assert len(split.testing) == 1
    assert len(split.validation) >= 2


def test_lists_that_do_not_fit(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav", "no/c.wav"])
    csv(tmp_path / "validation_list.txt", "no/b.wav", "yes/absent.wav")
    csv(tmp_path / "testing_list.txt", "no/b.wav")
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    first, second = error.value.problems
    assert "testing_list.txt: line 1: no/b.wav is in the list for validation as well" in first
    assert "absent.wav does not exist; the list for validation names it" in second


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "holds no folders; expected one for each label"),
        (["yes/a.wav"], "has only the label 'yes'; expected at least two"),
    ],
)
def test_too_few_folders(tmp_path, names, message):
    with pytest.raises(RecordingsError, match=message):
        Recordings.from_folder(folders(tmp_path, names))


def test_no_folder(tmp_path):
    with pytest.raises(RecordingsError, match="absent: is not a folder"):
        Recordings.from_folder(tmp_path / "absent")


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav", "_background_noise_/n.wav"])
    sound(root / "no" / "deeper" / "c.wav")
    (root / "no" / "text.wav").write_text("no sound " * 20)
    (root / "yes" / "none.wav").write_bytes(b"")
    (root / "_background_noise_" / "x.wav").write_text("no sound " * 20)
    y = np.zeros(900, np.float32)
    y[77] = np.nan
    soundfile.write(root / "yes" / "nan.wav", y, 16000, "FLOAT")
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    message = str(error.value)
    for text in (
        "5 problems",
        "deeper is a folder in a label's folder and holds 1 recording",
        "text.wav: format not recognised",
        "none.wav is empty",
        "nan.wav: sample 77 (counted from 0, at 0.005 s) is nan",
        "x.wav: format not recognised",
    ):
        assert text in message
    assert len(error.value.problems) == 5
    assert message.splitlines()[6:] == [
        "  subfolders='speakers' uses them, each subfolder as one speaker",
        "  subfolders='include' uses them like the files beside them",
        "  subfolders='skip' passes over them",
        "  skip_unreadable=True leaves out 4 files that are of no use as audio",
    ]


def test_many_problems_are_counted(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    for k in range(30):
        (root / "yes" / f"{k}.wav").write_bytes(b"")
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    lines = str(error.value).splitlines()
    assert len(lines) == 13
    assert lines[0].endswith("30 problems")
    assert lines[-2] == "  and 20 more"


def test_a_file_that_was_cut_off_is_found_by_reading_it(tmp_path):
    root = folders(tmp_path, ["yes/a.flac", "no/b.wav"])
    path = sound(root / "yes" / "a.flac", 3.0)
    path.write_bytes(path.read_bytes()[:20000])
    recordings = Recordings.from_folder(root)
    with pytest.raises(RecordingsError, match=r"a\.flac"):
        recordings.check()
    with pytest.warns(UserWarning, match=r"as its header says, and used as it is: .*a\.flac"):
        [batch] = recordings.source(FEATURES).batches(0, 0)
    assert 0 < max(batch.lengths) < 301


# --- splits --------------------------------------------------------------------------------------


def parts_of(split: Split) -> list[set[str]]:
    return [{item.speaker for item in part.items} for part in split]


@given(
    n=st.integers(2, 30),
    validation=st.floats(0.01, 0.5),
    seed=st.integers(0, 99),
    labels=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_no_speaker_on_two_sides_and_every_label_on_both(n, validation, seed, labels):
    header = Header(16000, 1, 1.0)
    items = [
        Recording(f"{k}-{label}.wav", 0, 1, header, f"label{label}", speaker=f"s{k}")
        for k in range(n)
        for label in range(labels)
        if (k + label) % 3 or n < 9
    ]
    split = Recordings("set", items, [f"label{k}" for k in range(labels)], "sequence").split(
        validation, 0.0, seed
    )
    training, judged, tested = parts_of(split)
    assert not training & judged
    assert not tested
    assert len(split.training) + len(split.validation) == len(items)
    for part in split[:2]:
        assert all(part.counts().values())
        assert part.labels == tuple(f"label{k}" for k in range(labels))


def test_a_split_stays_wherever_the_set_lies(tmp_path):
    one = speakers(tmp_path / "one", ["yes", "no"], 20)
    shutil.copytree(one, tmp_path / "deeper" / "other")
    splits = [
        Recordings.from_folder(root).split(0.2, 0.2, seed=3)
        for root in (one, tmp_path / "deeper" / "other")
    ]
    assert parts_of(splits[0]) == parts_of(splits[1])
    # More recordings move nobody.
    speakers(one, ["maybe"], 20)
    folders(one, ["yes/new_nohash_0.wav"])
    more = Recordings.from_folder(one).split(0.2, 0.2, seed=3)
    for before, after in zip(parts_of(splits[0]), parts_of(more), strict=True):
        assert before <= after
    assert parts_of(Recordings.from_folder(one).split(0.2, 0.2, seed=4)) != parts_of(more)


@pytest.mark.slow
def test_shares_are_met_as_chance_has_it():
    header = Header(16000, 1, 1.0)
    items = [Recording(f"{k}.wav", 0, 1, header, "ab"[k % 2], speaker=str(k)) for k in range(4000)]
    sides = sides_of(items, 0.1, 0.2, 0, "set")
    assert abs(sides.count("validation") / 4000 - 0.1) < 0.02
    assert abs(sides.count("testing") / 4000 - 0.2) < 0.02


def test_what_cannot_be_split(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav", "no/c.wav"])
    recordings = Recordings.from_folder(root)
    with pytest.raises(RecordingsError, match=r"label 'yes' has one example, .*a\.wav; expected"):
        recordings.split()
    assert [len(part) for part in recordings.split(validation=0)] == [3, 0, 0]
    folders(root, ["yes/me_nohash_0.wav", "yes/me_nohash_1.wav"])
    (root / "yes" / "a.wav").unlink()
    with pytest.raises(
        RecordingsError, match=r"'yes' cannot be split .* 2 examples .* one speaker"
    ):
        Recordings.from_folder(root).split()
    for shares, message in (((1.0, 0), "validation is 1.0"), ((0.6, 0.6), "expected below 1")):
        with pytest.raises(ValueError, match=message):
            recordings.split(*shares)


def test_who_is_on_a_list_stays_and_counts():
    """x is learnt from its listed speaker, so that the other one may be judged by."""
    header = Header(16000, 1, 1.0)

    def item(label: str, speaker: str, side: str | None = None) -> Recording:
        return Recording(f"{speaker}.wav", 0, 1, header, label, speaker=speaker, side=side)

    items = [item("x", "a", "training"), item("x", "b"), item("y", "c"), item("y", "d")]
    for seed in range(10):
        split = Recordings("set", items, ["x", "y"], "sequence").split(0.01, seed=seed)
        training, judged, _ = parts_of(split)
        assert "a" in training
        assert "b" in judged
        assert len(judged) == 2
    with pytest.raises(RecordingsError, match=r"'x' has one example, a\.wav"):
        Recordings("set", [items[0], *items[2:]], ["x", "y"], "sequence").split(0.01)


def test_a_list_that_leaves_nothing_to_learn_from(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav", "no/c.wav"])
    csv(root / "validation_list.txt", "yes/a.wav")
    with pytest.raises(RecordingsError, match="label 'yes' has no example for training"):
        Recordings.from_folder(root).split()
