"""Manifests: what a table says, and everything that may be wrong with one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.train.augment.waveform import Shift, Speed
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.recording import frame_seconds
from pylstm.train.data.recordings import Recordings
from tests.audio_files import sound
from tests.train.recording_sets import csv, folders, jsonl

FEATURES = pylstm.MFCC()


def test_a_label_a_file(tmp_path):
    folders(tmp_path / "audio", ["a.wav", "b.wav"])
    rows = ("path,label,speaker,split", "audio/a.wav,yes,me,training", "audio/b.wav,no,you,testing")
    recordings = Recordings.from_manifest(csv(tmp_path / "m.csv", *rows))
    assert (recordings.labels, recordings.per) == (("no", "yes"), "sequence")
    assert [(item.speaker, item.side) for item in recordings.items] == [
        ("me", "training"),
        ("you", "testing"),
    ]
    objects = (
        {"path": "audio/a.wav", "label": "yes", "speaker": "me", "split": "training"},
        {"path": str(tmp_path / "audio" / "b.wav"), "label": "no", "split": "testing"},
    )
    same = Recordings.from_manifest(jsonl(tmp_path / "m.jsonl", *objects))
    assert same.items[0] == recordings.items[0]
    assert same.items[1].speaker == "audio/b.wav"


def test_names_with_commas_quotes_and_marks_of_byte_order(tmp_path):
    folders(tmp_path, ['a, "b".wav', "ü.wav"])
    path = tmp_path / "m.csv"
    path.write_bytes('\ufeffpath,label\r\n"a, ""b"".wav",ja\r\n\r\nü.wav,nö\r\n'.encode())
    assert Recordings.from_manifest(path).labels == ("ja", "nö")


def test_clips_are_cut_out(tmp_path):
    sound(tmp_path / "a.wav", 1.0)
    rows = ("path,label,start,end", "a.wav,yes,0.1,0.4", "a.wav,no,0.3,0.6", "a.wav,no,0.9,")
    recordings = Recordings.from_manifest(csv(tmp_path / "m.csv", *rows), spans="clips")
    assert recordings.per == "sequence"
    assert [(i.start, i.end, i.label) for i in recordings.items] == [
        (0.1, 0.4, "yes"),
        (0.3, 0.6, "no"),
        (0.9, 1.0, "no"),
    ]
    assert recordings.items[0].name.endswith("a.wav (0.10 to 0.40 s)")
    [batch] = recordings.source(FEATURES, shuffle=False, bucket=False).batches(0, 0)
    assert batch.lengths.tolist() == [31, 31, 11]
    assert batch.targets.tolist() == [1, 0, 0]


@given(
    cuts=st.lists(st.integers(0, 300), min_size=2, max_size=8, unique=True).map(sorted),
    center=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_events_give_a_target_a_frame(tmp_path_factory, cuts, center):
    """A frame has the label of the event in which its middle lies; each event has a frame."""
    folder = tmp_path_factory.mktemp("events")
    sound(folder / "a.wav", 3.0)
    sound(folder / "none.wav", 1.0)
    marks = [
        (cuts[k] / 100, cuts[k + 1] / 100, ("yes", "no")[k // 2 % 2])
        for k in range(0, len(cuts) - 1, 2)
    ]
    rows = [f"a.wav,{label},{start},{end}" for start, end, label in reversed(marks)]
    path = csv(folder / "m.csv", "path,label,start,end", *rows, "none.wav,rest,,")
    recordings = Recordings.from_manifest(path, background="rest")
    assert recordings.per == "frame"
    assert recordings.labels == tuple(sorted({"rest", *(mark[2] for mark in marks)}))
    features = pylstm.MFCC(center=center)
    [batch] = recordings.source(features, shuffle=False, bucket=False).batches(0, 0)
    middles = frame_seconds(features, int(batch.lengths[0]))
    labels = [recordings.labels[number] for number in batch.targets[: len(middles), 0]]
    hop = features.hop_length / features.sr
    held = {mark: [t for t, m in enumerate(middles) if mark[0] <= m < mark[1]] for mark in marks}
    near = {}
    for mark in (mark for mark in marks if not held[mark]):
        away = np.abs(middles - (mark[0] + mark[1]) / 2)
        near[mark] = np.flatnonzero(away <= max(hop, away.min())).tolist()
    for t, middle in enumerate(middles):
        [expected] = [m[2] for m in marks if m[0] <= middle < m[1]] or ["rest"]
        assert labels[t] in [expected, *(mark[2] for mark in near if t in near[mark])]
    if len(near) == 1:
        [(mark, places)] = near.items()
        only = [frames[0] for frames in held.values() if len(frames) == 1]
        assert mark[2] in [labels[t] for t in places] or set(places) <= set(only)
    assert set(batch.targets[: batch.lengths[1], 1]) == {recordings.labels.index("rest")}


def test_an_event_between_two_frames_is_not_lost(tmp_path):
    """The nearer frame is its; the other one where that belongs to another event."""
    sound(tmp_path / "a.wav", 1.0)
    rows = ["a.wav,tick,0.202,0.206", "a.wav,tick,0.401,0.403", "a.wav,long,0.35,0.4005"]
    path = csv(tmp_path / "m.csv", "path,label,start,end", *rows)
    recordings = Recordings.from_manifest(path)
    source = recordings.source(pylstm.MFCC(hop_length=160))  # middles at 0.40, 0.41, ...
    [batch] = source.batches(0, 0)
    labels = np.array(recordings.labels)[batch.targets[:, 0]]
    assert np.flatnonzero(labels == "tick").tolist() == [20, 41]
    assert np.flatnonzero(labels == "long").tolist() == [35, 36, 37, 38, 39, 40]
    gone = recordings.source(pylstm.MFCC(hop_length=160), augment=Shift((-900, -900)))
    [batch] = gone.batches(0, 0)
    assert set(np.array(recordings.labels)[batch.targets[:, 0]]) == {recordings.background}


@pytest.mark.parametrize("center", [True, False])
def test_events_at_the_edges_have_a_frame(tmp_path, center):
    """Before the first middle of a frame and after the last there may be more than a hop."""
    sound(tmp_path / "a.wav", 1.0099)
    rows = ["a.wav,first,0,0.012", "a.wav,last,1.0065,1.0095", "a.wav,rest,0.3,0.301"]
    recordings = Recordings.from_manifest(
        csv(tmp_path / "m.csv", "path,label,start,end", *rows), background="rest"
    )
    features = pylstm.MFCC(hop_length=160, center=center)
    [batch] = recordings.source(features).batches(0, 0)
    labels = np.array(recordings.labels)[batch.targets[:, 0]].tolist()
    assert labels[0] == "first"
    assert labels[-1] == "last"
    assert set(labels[2:-1]) == {"rest"}
    for ms in (-20, 20):
        moved = recordings.source(features, augment=Shift((ms, ms)))
        [batch] = moved.batches(0, 0)
        gone = "first" if ms < 0 else "last"
        assert recordings.labels.index(gone) not in batch.targets


@pytest.mark.parametrize("rows", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_no_event_loses_its_only_frame_to_a_shorter_one(tmp_path, rows):
    """What has two frames gives one of them away, or the short event has none."""
    sound(tmp_path / "a.wav", 1.0)
    for end, expected in ((0.6, ["one", "tick", "long", "long"]), (0.412, ["one", "long"])):
        lines = ["one,0.395,0.4005", "tick,0.401,0.403", f"long,0.4035,{end}"]
        lines = [f"a.wav,{lines[row]}" for row in rows]
        path = csv(tmp_path / "m.csv", "path,label,start,end", *lines, "a.wav,rest,0.2,0.21")
        recordings = Recordings.from_manifest(path, background="rest")
        [batch] = recordings.source(pylstm.MFCC(hop_length=160)).batches(0, 0)
        labels = np.array(recordings.labels)[batch.targets[40:, 0]].tolist()
        assert labels[: len(expected)] == expected


def test_events_move_with_what_moves_them(tmp_path):
    """The target is where the tone is, however it is shifted and whatever its speed."""
    time = np.arange(32000) / 16000
    tone = 0.5 * np.sin(2 * np.pi * 600 * time) * ((time >= 0.8) & (time < 1.2))
    soundfile.write(tmp_path / "a.wav", tone, 16000, "FLOAT")
    path = csv(tmp_path / "m.csv", "path,label,start,end", "a.wav,tone,0.8,1.2")
    recordings = Recordings.from_manifest(path)
    source = recordings.source(pylstm.LogMel(), augment=[Speed((0.7, 1.4)), Shift((-300, 300))])
    lengths = set()
    for epoch in range(10):
        [batch] = source.batches(epoch, 0)
        lengths.add(int(batch.lengths[0]))
        loud = batch.x[:, 0].max(axis=1) > 0
        # A frame is 25 ms wide: its neighbours hear the edges.
        assert np.flatnonzero(loud != (batch.targets[:, 0] == 1)).size <= 6
        assert 25 < batch.targets.sum() < 60
    assert len(lengths) > 5


def test_transcripts(tmp_path):
    folders(tmp_path, ["a.wav", "b.wav", "c.wav"])
    path = csv(tmp_path / "m.csv", "path,transcript", "a.wav,ab a", "b.wav,b")
    recordings = Recordings.from_manifest(path)
    assert (recordings.labels, recordings.per) == (("<blank>", " ", "a", "b"), "transcript")
    [batch] = recordings.source(FEATURES, shuffle=False, bucket=False).batches(0, 0)
    assert [target.tolist() for target in batch.targets] == [[2, 3, 1, 2], [3]]
    assert recordings.counts() == {"<blank>": 0, " ": 1, "a": 2, "b": 2}
    words = Recordings.from_manifest(path, units="words")
    assert words.labels == ("<blank>", "a", "ab", "b")
    objects = ({"path": "a.wav", "transcript": ["ah", "b"]}, {"path": "c.wav", "transcript": []})
    phones = Recordings.from_manifest(jsonl(tmp_path / "m.jsonl", *objects))
    assert phones.labels == ("<blank>", "ah", "b")
    assert phones.items[1].transcript == ()
    assert [len(part) for part in phones.split(0.5)[:2]] == [1, 1]


def problems_of(path: Path, **settings: str) -> list[str]:
    with pytest.raises(RecordingsError) as error:
        Recordings.from_manifest(path, **settings)
    return [problem.replace(str(path.parent) + "/", "") for problem in error.value.problems]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ["is empty; expected at least one row"]),
        (["path,label"], ["is empty; expected at least one row"]),
        (["path,lable", "a.wav,yes"], ["line 1: columns are path, lable; expected one of 'label'"]),
        (["label", "yes"], ["line 1: column 'path' is missing"]),
        (["path", "a.wav"], ["line 1: columns are path; expected one of 'label' and"]),
        (["path,path,label"], ["line 1: column 'path' appears twice"]),
        (["path,label", "a.wav"], ["line 2: has 1 cell; expected 2"]),
        (["path,label", "a.wav,"], ["line 2: has neither a label nor a transcript"]),
        (["path,label", ",yes"], ["line 2: path is missing"]),
        (["path,label", "a.wav, yes"], ["line 2: label is ' yes'; expected no spaces around it"]),
        (["path,label", "absent.wav,yes"], ["line 2: cannot read absent.wav: No such file"]),
        (["path,label", "a.wav,yes", "b.wav,yes"], ["has only the label 'yes'"]),
        (["path,label", "a.wav,yes", "./a.wav,yes"], ["line 3: duplicates line 2"]),
        (["path,label", "a.wav,yes", "a.wav,no"], ["line 3: contradicts line 2"]),
        (
            ["path,label,start,end", "a.wav,x,0.5,0.2"],
            ["line 2: end is 0.2 s; expected more than start, 0.5 s"],
        ),
        (
            ["path,label,start,end", "a.wav,x,0.2,0.2"],
            ["line 2: end is 0.2 s; expected more than start, 0.2 s"],
        ),
        (["path,label,start", "a.wav,x,1.5"], ["line 2: start is 1.5 s; a.wav ends at 1 s"]),
        (["path,label,end", "a.wav,x,1.5"], ["line 2: end is 1.5 s; a.wav ends at 1 s"]),
        (["path,label,start", "a.wav,x,-1"], ["line 2: start is '-1'; expected seconds, 0 or"]),
        (["path,label,start", "a.wav,x,nan"], ["line 2: start is 'nan'; expected seconds"]),
        (["path,label,start", "a.wav,x,soon"], ["line 2: start is 'soon'; expected seconds"]),
        (["path,label,split", "a.wav,x,train"], ["line 2: split is 'train'; expected training, "]),
        (
            ["path,label,start,end", "a.wav,x,0.1,0.5", "a.wav,y,0.4,0.6", "a.wav,y,0.45,0.7"],
            ["line 3: overlaps line 2 in a.wav"],
        ),
        (
            ["path,label,end,start", "a.wav,x,,", "a.wav,x,0.2,0.1", "a.wav,y,0.6,0.5"],
            ["line 4: overlaps line 2 in a.wav"],
        ),
        (
            ["path,label,speaker", "a.wav,x,me", "b.wav,y,you", "b.wav,y,me"],
            [
                "line 4: speaker of b.wav is me; expected you, as line 3",
                "line 4: duplicates line 3",
            ],
        ),
        (["path,label", '"a.wav,yes'], ["line 2: unexpected end of data"]),
    ],
)
def test_manifests_that_are_wrong(tmp_path, rows, expected):
    for name in ("a.wav", "b.wav"):
        sound(tmp_path / name, 1.0)
    found = problems_of(csv(tmp_path / "m.csv", *rows))
    for problem, text in zip(found, expected, strict=True):
        assert problem.startswith(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[1, 2]", "is a list; expected an object"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"path": "a.wav", "path": "b.wav", "label": "x"}', "is not JSON: a name appears twice"),
        ('{"path": 3, "label": "x"}', "path is 3; expected text"),
        ('{"path": "a.wav", "label": ""}', "label is ''; expected text"),
        ('{"path": "a.wav", "label": "\\ud800"}', "label is '\\ud800'; expected UTF-8"),
        ('{"path": "a.wav", "label": "x", "start": true}', "start is True; expected seconds"),
        ('{"path": "a.wav", "label": "x", "end": 1e999}', "end is inf; expected seconds"),
        ('{"path": "a.wav", "more": "x"}', "columns are path, more; expected one of 'label'"),
        ('{"path": "a.wav", "transcript": ["x", 1]}', "a unit of the transcript is 1"),
        (
            '{"path": "a.wav", "transcript": "x", "label": "x"}',
            "columns are path, transcript, label; expected one",
        ),
        ('{"path": "a.wav", "transcript": "x"}', "has a transcript; expected a label, as line 1"),
        ('{"path": "a\\u0000.wav", "label": "x"}', "cannot read a\0.wav: embedded null byte"),
    ],
)
def test_lines_of_json_that_are_wrong(tmp_path, line, expected):
    sound(tmp_path / "a.wav", 1.0)
    sound(tmp_path / "b.wav", 1.0)
    path = csv(tmp_path / "m.jsonl", '{"path": "b.wav", "label": "y"}', "", line)
    [problem] = problems_of(path)
    assert problem.startswith(f"line 3: {expected}")


def test_manifests_that_are_no_text_or_of_no_kind(tmp_path):
    (tmp_path / "m.csv").write_bytes("path,label\na.wav,yes\n".encode("utf-16"))
    assert problems_of(tmp_path / "m.csv") == ["is UTF-16; expected UTF-8"]
    (tmp_path / "m.csv").write_bytes(b"path,label\na.wav,n\xf6\n")
    assert problems_of(tmp_path / "m.csv") == ["line 2: label is 'n\\udcf6'; expected UTF-8"]
    assert problems_of(csv(tmp_path / "m.txt")) == ["ends in '.txt'; expected .csv or .jsonl"]
    with pytest.raises(FileNotFoundError):
        Recordings.from_manifest(tmp_path / "absent.csv")
    with pytest.raises(ValueError, match="spans is 'words'"):
        Recordings.from_manifest(tmp_path / "m.csv", spans="words")
    with pytest.raises(ValueError, match="units is 'phones'"):
        Recordings.from_manifest(tmp_path / "m.csv", units="phones")


def test_units_that_ctc_needs_for_itself(tmp_path):
    sound(tmp_path / "a.wav", 1.0)
    for transcript, text in (
        (["<blank>"], "a transcript holds '<blank>'; expected other units"),
        ([], "has only empty transcripts"),
    ):
        path = jsonl(tmp_path / "m.jsonl", {"path": "a.wav", "transcript": transcript})
        assert text in problems_of(path)[0]


def test_background_alone_is_nothing_to_learn(tmp_path):
    sound(tmp_path / "a.wav")
    path = csv(tmp_path / "a.csv", "path,label,start,end", "a.wav,background,0,0.1")
    with pytest.raises(RecordingsError, match="has only the label 'background'"):
        Recordings.from_manifest(path)


@pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="no named pipes here: Linux or macOS runs this"
)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(RecordingsError, match="is not a regular file"):
        Recordings.from_manifest(tmp_path / "a.csv")
