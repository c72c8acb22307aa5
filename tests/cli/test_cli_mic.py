"""``pylstm mic``: what is heard, whatever the device; what is said of it; how it ends."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from pylstm.cli.console import live_session, microphone
from pylstm.cli.console.errors import CliError
from tests.cli.fake_sounddevice import Device, FakeLibrary, in_blocks, install
from tests.cli.tone_model import tone_model, two_tones, write

FIELDS = ["time", "label", "score", "onset", "offset", "kind"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tones.safetensors"
    tone_model().save(path)
    return path


def mic(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["mic", *map(str, arguments)])


def succeed(*arguments: object) -> Result:
    result = mic(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (0, False), result.output
    return result


def fail(code: int, *arguments: object) -> str:
    """The one line on stderr."""
    result = mic(*arguments)
    assert result.exit_code == code, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("pylstm: ")]
    assert len(errors) == 1
    assert "this is a bug" not in errors[0]
    return errors[0]


def heard(result: Result) -> list[tuple[str, float]]:
    """Labels and times."""
    return [(e["label"], e["time"]) for e in map(json.loads, result.stdout.splitlines()[:-1])]


def summary(result: Result) -> dict:
    return json.loads(result.stdout.splitlines()[-1])


def expected(samples: NDArray, model: pylstm.Model, **settings: object) -> list[dict]:
    listener = model.listener(report="early", **settings)
    return [
        {
            "time": round(e.time, 6),
            "label": e.label,
            "score": round(e.score, 6),
            "onset": None if e.onset is None else round(e.onset, 6),
            "offset": None if e.offset is None else round(e.offset, 6),
            "kind": e.kind,
        }
        for e in listener.push(samples) + listener.flush()
    ]


def stereo(tones: NDArray[np.float32], channel: int = 0) -> NDArray[np.float32]:
    """Tones on one channel, noise on the other."""
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (len(tones), 2)).astype(np.float32)
    noise[:, channel] = tones
    return noise


# --- a file in place of a microphone --------------------------------------------------------------


def test_a_file_gives_the_events_of_run(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", 8000, seconds=1.6)
    arguments = (path, "--model", model, "--json")
    run = CliRunner().invoke(app, ["run", *map(str, arguments)])
    result = succeed("--input-file", *arguments)
    assert heard(result) == heard(run)
    assert [label for label, _ in heard(result)] == ["low", "high"]
    assert summary(result)["audio_seconds"] == 1.6
    assert summary(result)["overflows"] == 0


def test_without_a_terminal_there_are_lines(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", seconds=1.0)
    result = succeed("--input-file", path, "--model", model)
    [event, empty, audio, processing, factor, dropped] = result.stdout.splitlines()
    assert event.startswith("  0.52 s  low   0.")
    assert event.endswith("  0.49-0.53 s")
    assert (empty, audio, dropped) == (
        "",
        "audio             1.00 s",
        "dropped           nothing",
    )
    assert "slowest block" in processing
    assert factor.startswith("real-time factor  ")
    assert "\x1b" not in result.output
    assert result.stderr == f"note: {model} listens to a.wav at 16000 Hz; Ctrl-C stops\n"


def test_seconds_are_exact(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", seconds=2.0)
    result = succeed("--input-file", path, "--model", model, "--seconds", "0.5255", "--json")
    assert summary(result)["audio_seconds"] == 0.5255
    samples = two_tones()[: round(0.5255 * 16000)]
    assert [e[0] for e in heard(result)] == [
        e["label"] for e in expected(samples, pylstm.load(model))
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_well(model: Path, tmp_path: Path, number: int) -> None:
    path = write(tmp_path / "a.wav", seconds=60.0)
    before = (signal.getsignal(number), sys.getswitchinterval(), gc.get_freeze_count())
    timer = threading.Timer(0.9, signal.raise_signal, [number])
    timer.start()
    result = succeed("--input-file", path, "--model", model, "--json")
    timer.join()
    assert 0 < summary(result)["audio_seconds"] < 60
    assert before == (signal.getsignal(number), sys.getswitchinterval(), gc.get_freeze_count())


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal: run it on Linux or macOS")
def test_in_a_terminal_there_is_a_view_until_ctrl_c(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", seconds=60.0)
    command = [sys.executable, "-m", "pylstm", "mic", "--input-file", path, "--model", model]
    ours, theirs = os.openpty()
    surroundings = {"TERM": "xterm-256color", "COLUMNS": "60", "LINES": "20"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | surroundings
    )
    os.close(theirs)
    shown = b""
    while b"low" not in shown or b"0.49-0.53 s" not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # Linux says so where other systems give nothing
        while more := os.read(ours, 65536):
            shown += more
    os.close(ours)
    assert process.wait(60) == 0
    text = shown.decode()
    assert "dBFS" in text
    assert "Ctrl-C stops" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    assert re.search(r"\r\naudio             \d\.\d\d s\r\n", text)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot read"), (b"", "is empty"), (b"no audio here, not at all", "cannot read")],
)
def test_a_file_that_is_no_audio(
    model: Path, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    assert words in fail(1, "--input-file", path, "--model", model)


def test_nan_in_a_file_ends_it_with_the_reason(model: Path, tmp_path: Path) -> None:
    import soundfile

    samples = two_tones(seconds=0.8)
    samples[12000] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    result = mic("--input-file", tmp_path / "a.wav", "--model", model)
    assert result.exit_code == 1
    assert "low" in result.stdout  # it came before
    assert "pylstm: stopped at 0.75 s: pcm[" in result.stderr
    assert "nan; expected" in result.stderr


# --- devices --------------------------------------------------------------------------------------

SIZES = (1, 441, 160, 37, 512, 7)


@pytest.mark.parametrize("sizes", [SIZES, (160,), (4096,)])
def test_blocks_of_any_size_give_the_same(
    model: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    samples = two_tones()
    device = Device(blocks=in_blocks(samples[:, None], sizes))
    install(monkeypatch, device)
    result = succeed("--model", model, "--seconds", "2", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model))
    assert all(list(event) == FIELDS for event in found)
    assert device.opened == [{"channels": 1, "samplerate": 16000, "dtype": "float32"}]
    assert not device.is_open


@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_device_with_one_rate_and_all_channels(
    model: Path, monkeypatch: pytest.MonkeyPatch, channel: int, dtype: str
) -> None:
    """48 kHz stereo: what it gives is resampled, and one channel is heard."""
    block = stereo(two_tones(48000), channel)
    if dtype == "int16":
        block = np.round(block * 32767).astype(np.int16)
    device = Device(rates=(48000,), counts=(2,), dtypes=(dtype,), blocks=in_blocks(block, SIZES))
    install(monkeypatch, device)
    result = succeed("--model", model, "--channel", channel, "--seconds", "2", "--json")
    loaded = pylstm.load(model)
    intake = pylstm.Intake(loaded, rate=48000, channels=2, channel=channel)
    samples = np.concatenate([intake.push(block), intake.flush()])
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, loaded)
    assert [event["label"] for event in found] == ["low", "high"]
    assert device.opened == [{"channels": 2, "samplerate": 48000, "dtype": dtype}]


def test_int16_at_the_rate_of_the_model(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.round(two_tones() * 32767).astype(np.int16)
    device = Device(dtypes=("int16",), blocks=in_blocks(samples[:, None], SIZES))
    install(monkeypatch, device)
    result = succeed("--model", model, "--seconds", "2", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model))


def test_overflows_are_counted(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = in_blocks(two_tones()[:, None], (160,), overflows=(3, 4, 90))
    install(monkeypatch, Device(blocks=blocks))
    result = succeed("--model", model, "--seconds", "2", "--json")
    assert summary(result)["overflows"] == 3
    install(monkeypatch, Device(blocks=in_blocks(two_tones()[:, None], (160,), (3,))))
    lines = succeed("--model", model, "--seconds", "2").stdout.splitlines()
    assert lines[-1].startswith("dropped           1 overflow of the device: samples were lost")


def test_no_event_is_lost_behind_a_display_that_is_late(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All blocks come at once, more than the ring holds."""
    samples = np.tile(two_tones(), 4)
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], (16,))))
    result = succeed("--model", model, "--seconds", "8", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model))
    assert len(found) == 8
    assert summary(result)["late_results"] > 0
    assert summary(result)["audio_seconds"] == 8.0


def test_a_device_that_ends_when_all_is_heard(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(blocks=in_blocks(two_tones()[:, None], SIZES), after="stop")
    install(monkeypatch, device)
    assert summary(succeed("--model", model, "--seconds", "2", "--json"))["events"] == 2


@pytest.mark.parametrize("after", ["stop", "vanish"])
def test_a_device_that_disappears(model: Path, monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    monkeypatch.setattr(microphone, "_QUIET_SECONDS", 0.3)
    device = Device(blocks=in_blocks(two_tones()[:, None], SIZES), after=after)
    install(monkeypatch, device)
    result = mic("--model", model)
    assert result.exit_code == 1
    assert [line.split()[2] for line in result.stdout.splitlines()[:2]] == ["low", "high"]
    assert "audio             2.00 s" in result.stdout
    message = result.stderr.splitlines()[-1]
    assert message.startswith("pylstm: Built-in, ALSA gives no audio any more")
    assert "Plug it in, and start again" in message
    assert not device.is_open


def test_a_command_that_was_stopped_has_not_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-Z and fg: the clock has gone on, and no device has called."""
    now = 0.0
    monkeypatch.setattr(microphone, "monotonic", lambda: now)
    install(monkeypatch, Device())
    source = microphone.Microphone(None, 0, 16000)

    def look(seconds: float) -> None:
        nonlocal now
        now += seconds
        source.check()

    def look_often() -> None:
        for _ in range(10):
            look(0.1)

    with contextlib.closing(source):
        source.start(lambda *block: None)
        look(3600.0)
        look_often()
        with pytest.raises(CliError, match="gives no audio any more"):
            look_often()


def test_audio_that_is_too_short_for_deltas(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "deltas.safetensors"
    features = pylstm.LogMel(n_mels=4, deltas=1)
    pylstm.Model(features, [pylstm.Dense(8, 2, "softmax", seed=0)], ["a", "b"]).save(path)
    install(monkeypatch, Device(blocks=in_blocks(two_tones()[:, None], SIZES)))
    result = succeed("--model", path, "--seconds", "0.03", "--json")
    assert summary(result)["frames"] == 0


def test_nan_of_a_device_ends_it(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = two_tones()
    samples[16000] = np.nan
    device = Device(blocks=in_blocks(samples[:, None], SIZES))
    install(monkeypatch, device)
    message = fail(1, "--model", model)
    assert re.match(r"pylstm: stopped at 0\.9\d s: pcm\[\d+\] is nan; expected", message)
    assert device.raised == []  # nothing came out of the callback


def test_what_the_callback_warns_of_is_a_note(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = two_tones() * 32768
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    result = succeed("--model", model, "--seconds", "2")
    [_, note] = result.stderr.splitlines()
    assert note.startswith("note: pcm[")


def test_a_silent_device_is_noticed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = in_blocks(np.zeros((16000 * 4, 1), np.float32), SIZES)
    install(monkeypatch, Device(blocks=blocks))
    result = succeed("--model", model, "--seconds", "4")
    assert "note: every sample so far is 0: the microphone is muted" in result.stderr
    assert result.stdout.startswith("nothing heard\n")


# --- what cannot be used --------------------------------------------------------------------------


def test_without_portaudio_it_says_what_to_install(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoLibrary:
        def find_spec(self, name: str, *where: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoLibrary(), *sys.meta_path])
    message = fail(1, "--model", model)
    assert "apt install libportaudio2" in message
    assert "--input-file FILE" in message
    assert "apt install libportaudio2" in fail(1, "--list-devices")


def test_without_sounddevice_it_says_what_to_install(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert 'pip install "pylstm[cli]"' in fail(1, "--model", model)


def test_a_file_needs_no_sounddevice(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    succeed("--input-file", write(tmp_path / "a.wav", seconds=0.1), "--model", model)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_without_a_device(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(microphone.sys, "platform", platform)
    install(monkeypatch, Device(max_input_channels=0))
    message = fail(1)
    assert fail(1, "--list-devices") == message
    assert message.startswith("pylstm: there is no input device; expected a microphone")
    permission = {"linux": "group audio", "darwin": "System Settings", "win32": "desktop apps"}
    assert permission[platform] in message


def test_permission_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(refuses="Error opening InputStream: 'Permission denied' [ALSA error -13]")
    install(monkeypatch, device)
    message = fail(1, "--model", model)
    assert "Built-in, ALSA cannot be used: Error opening InputStream: 'Permission den" in message
    assert "--list-devices" in message


def test_a_device_that_does_neither_rate(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Device(rates=()))
    assert "cannot be used: Invalid sample rate" in fail(1, "--model", model)


def three_devices(monkeypatch: pytest.MonkeyPatch, default: int = 2) -> FakeLibrary:
    blocks = in_blocks(two_tones(seconds=0.8)[:, None], (160,))
    return install(
        monkeypatch,
        Device("Speaker", max_input_channels=0),
        Device("USB Audio \x1b[2J", blocks=blocks),
        Device("Webcam", blocks=blocks, max_input_channels=1),
        Device("USB Audio \x1b[2J", blocks=blocks),
        default=default,
    )


@pytest.mark.parametrize(
    ("device", "opened"),
    [(None, 2), ("1", 1), ("webcam", 2), ("cam alsa", 2), ("Webcam, ALSA", 2), ("3", 3)],
)
def test_the_device_is_chosen(
    model: Path, monkeypatch: pytest.MonkeyPatch, device: str | None, opened: int
) -> None:
    library = three_devices(monkeypatch)
    given = () if device is None else ("--device", device)
    succeed("--model", model, "--seconds", "0.8", *given)
    assert [bool(device.opened) for device in library.devices] == [
        place == opened for place in range(4)
    ]


@pytest.mark.parametrize("device", ["0", "9", "Speaker", "usb", "", "alsa cam"])
def test_the_message_about_a_device_leads_to_one(
    model: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    three_devices(monkeypatch)
    message = fail(2, "--model", model, "--device", device)
    assert message.startswith(f"pylstm: --device is {device!r}; expected the number ")
    assert "\x1b" not in message
    number = message.rpartition(": ")[2].split()[0]
    succeed("--model", model, "--seconds", "0.8", "--device", number)


def test_no_default_device(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three_devices(monkeypatch, default=-1)
    message = fail(2, "--model", model)
    assert "expected --device with one of 1 (USB Audio" in message


def test_the_devices_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    three_devices(monkeypatch)
    lines = succeed("--list-devices").stdout.splitlines()
    assert lines[1:] == [
        "        1         2   48000 Hz  USB Audio \\x1b[2J, ALSA",
        ">       2         1   48000 Hz  Webcam, ALSA",
        "        3         2   48000 Hz  USB Audio \\x1b[2J, ALSA",
    ]
    objects = [json.loads(line) for line in succeed("--list-devices", "--json").stdout.splitlines()]
    assert [(o["number"], o["is_default"]) for o in objects] == [(1, False), (2, True), (3, False)]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--threshold", "0"),
        ("--threshold", "1.5"),
        ("--threshold", "nan"),
        ("--threshold", "low"),
        ("--threshold", "medium=0.5"),
        ("--threshold", "0.5", "--threshold", "0.6"),
        ("--threshold", "low="),
        ("--seconds", "0"),
        ("--seconds", "nan"),
        ("--channel", "2"),
        ("--channel", "-1"),
        ("--device", "0", "--input-file", "a.wav"),
    ],
)
def test_wrong_options_are_usage(
    model: Path, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, ...]
) -> None:
    install(monkeypatch, Device())
    assert "expected" in fail(2, "--model", model, *wrong) or wrong == ("--channel", "-1")


def test_a_channel_that_a_file_does_not_have(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", channels=2, seconds=0.1)
    assert "--channel is 2; expected 0 to 1" in fail(
        2, "--input-file", path, "--model", model, "--channel", 2
    )


@pytest.mark.parametrize(
    ("given", "threshold"),
    [
        (["0.3"], 0.3),
        (["low=0.3"], {"low": 0.3}),
        (["0.9", "low=0.3"], {"low": 0.3, "high": 0.9}),
        (["low=0.3", "0.9"], {"low": 0.3, "high": 0.9}),
    ],
)
def test_thresholds(
    model: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], threshold: object
) -> None:
    samples = two_tones()
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    options = [part for text in given for part in ("--threshold", text)]
    result = succeed("--model", model, "--seconds", "2", "--json", *options)
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model), threshold=threshold)
    assert found != expected(samples, pylstm.load(model))


def test_segments_have_one_threshold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "speech.safetensors"
    settings = {"kind": "segments", "label": "low", "min_speech": 0.1}
    tone_model(info={}, decision=settings).save(path)
    samples = two_tones()
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    message = fail(2, "--model", path, "--threshold", "low=0.4")
    assert "--threshold has a label; expected a number alone" in message
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    result = succeed("--model", path, "--seconds", "2", "--json", "--threshold", "0.4")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert [event["kind"] for event in found] == ["start", "end"]
    assert found == expected(samples, pylstm.load(path), threshold=0.4)
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    lines = succeed("--model", path, "--seconds", "2").stdout.splitlines()
    assert re.fullmatch(r"  0.\d\d s  low  0.\d\d  begins 0.46 s", lines[0])
    assert re.fullmatch(r"  \d\.\d\d s  low  0.\d\d  ends 0.8\d s", lines[1])


def test_a_model_that_decides_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    pylstm.Model(None, [pylstm.Dense(2, 2, seed=0)]).save(path)
    install(monkeypatch, Device())
    assert "cannot decide: the model has no features" in fail(1, "--model", path)


def test_drawings_are_fewer_than_blocks() -> None:
    """The display has fewer turns than a device has blocks of 10 ms."""
    assert 10 <= live_session._DRAWINGS_PER_SECOND <= 20
