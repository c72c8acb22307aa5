"""Speech synthesisers that say when each word is spoken: flite, espeak-ng and SVOX Pico.

All of them give 16 kHz mono int16, the times of the keywords in what they said, and the times of
speech; in seconds.
"""

from __future__ import annotations

import ctypes
import io
import re
import subprocess
import wave

import numpy as np
from scipy.signal import resample_poly

SAMPLE_RATE = 16000
KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")

# flite's phones of each keyword: how a keyword is found among the phones of a sentence.
PHONES = {
    "yes": "y eh s", "no": "n ow", "up": "ah p", "down": "d aw n", "left": "l eh f t",
    "right": "r ay t", "on": "aa n", "off": "ao f", "stop": "s t aa p", "go": "g ow",
}  # fmt: skip


def keywords_in(text: str) -> list[str]:
    """The keywords of a text, in order."""
    return [word for word in re.findall(r"[a-z']+", text.lower()) if word in KEYWORDS]


class Flite:
    """flite on the command line, with the end time of every phone."""

    def speak(
        self, voice: str, text: str, stretch: float, shift: float
    ) -> tuple[np.ndarray, list[tuple[str, float, float]], list[tuple[float, float]]] | None:
        """Samples, keyword times and speech times; None if the keywords cannot be told apart."""
        pcm, phones = self._run(voice, "-t", text, stretch, shift)
        names = [name for name, _, _ in phones]
        words = []
        for word in KEYWORDS:
            pattern = PHONES[word].split()
            for i in range(len(names) - len(pattern) + 1):
                if names[i : i + len(pattern)] == pattern:
                    words.append((word, phones[i][1], phones[i + len(pattern) - 1][2]))
        words.sort(key=lambda item: item[1])
        expected = keywords_in(text)
        if not expected:
            words = []
        elif [word for word, _, _ in words] != expected:
            return None
        return pcm, words, merged([(s, e) for n, s, e in phones if n != "pau"])

    def pronounce(
        self, voice: str, said: list[tuple[str, str]], stretch: float, shift: float
    ) -> tuple[np.ndarray, list[tuple[str, float, float]], list[tuple[float, float]]]:
        """The same for pairs of a keyword and its phones, with a pause after each."""
        text = "pau " + " pau ".join(phones for _, phones in said) + " pau"
        pcm, phones = self._run(voice, "-p", text, stretch, shift)
        spoken = merged([(s, e) for n, s, e in phones if n != "pau"])
        return pcm, [(w, *span) for (w, _), span in zip(said, spoken, strict=True)], spoken

    def _run(
        self, voice: str, form: str, text: str, stretch: float, shift: float
    ) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
        """Samples, and the phones with their start and end."""
        command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.3f}"]
        if voice.startswith("kal"):
            # The other voices have a pitch of their own that flite cannot move.
            command += ["--setf", f"int_f0_target_mean={105.0 * shift:.1f}"]
        command += ["-psdur", form, text, "-o", "/dev/stdout"]
        output = subprocess.run(command, capture_output=True, check=True).stdout
        # The phones come as text on the same standard output, before or after the RIFF file.
        start = output.index(b"RIFF")
        size = int.from_bytes(output[start + 4 : start + 8], "little") + 8
        listing = (output[:start] + b" " + output[start + size :]).decode("ascii")
        with wave.open(io.BytesIO(output[start : start + size])) as file:
            rate = file.getframerate()
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        if rate != SAMPLE_RATE:
            pcm = to_int16(resample_poly(pcm.astype(np.float32), SAMPLE_RATE, rate))
        names, ends = [], []
        for item in listing.split():
            name, _, end = item.rpartition(":")
            names.append(name)
            ends.append(float(end))
        return pcm, list(zip(names, [0.0, *ends[:-1]], ends, strict=True))


class Espeak:
    """libespeak-ng through ctypes: samples with the times of words and phonemes."""

    class Event(ctypes.Structure):
        """espeak_EVENT; the last field is a union of a number, a pointer and eight characters."""

        _fields_ = [
            ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint),
            ("text_position", ctypes.c_int), ("length", ctypes.c_int),
            ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
            ("user_data", ctypes.c_void_p), ("string", ctypes.c_char * 8),
        ]  # fmt: skip

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        # AUDIO_OUTPUT_RETRIEVAL, with phoneme events.
        self._rate = self._library.espeak_Initialize(1, 0, None, 1)
        self._pcm: list[np.ndarray] = []
        self._events: list[tuple[int, int, int, float, bytes]] = []
        callback = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(self.Event)
        )
        self._callback = callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wave_data: object, count: int, events: object) -> int:
        if wave_data and count:
            self._pcm.append(np.ctypeslib.as_array(wave_data, (count,)).copy())
        index = 0
        while events[index].type:
            e = events[index]
            time = e.sample / self._rate
            name = e.string if e.type == 7 else b""
            self._events.append((e.type, e.text_position, e.length, time, name))
            index += 1
        return 0

    def speak(
        self, voice: str, text: str, rate: int, pitch: int, pitch_range: int
    ) -> tuple[np.ndarray, list[tuple[str, float, float]], list[tuple[float, float]]] | None:
        """Samples, keyword times and speech times; None if the voice cannot say it."""
        self._pcm, self._events = [], []
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            return None
        for parameter, value in ((1, rate), (3, pitch), (4, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
        self._library.espeak_Synchronize()
        if not self._pcm:
            return None
        pcm = np.concatenate(self._pcm).astype(np.float32)
        length = len(pcm) / self._rate
        words, speech = [], []
        open_word: tuple[str, float] | None = None
        phones = [event for event in self._events if event[0] == 7]
        ends = [event[3] for event in phones[1:]] + [length]
        for event in sorted(self._events, key=lambda e: (e[3], e[0] == 7)):
            kind, position, size, time, name = event
            silent = kind == 7 and name[:1] in (b"_", b"")
            if open_word and (kind == 1 or silent or kind == 5):
                if open_word[0] in KEYWORDS:
                    words.append((*open_word, time))
                open_word = None
            if kind == 1:
                spoken = text[position - 1 : position - 1 + size].lower().strip(".,!?")
                open_word = (spoken, time)
        for (_, _, _, time, name), end in zip(phones, ends, strict=True):
            if name[:1] not in (b"_", b""):
                speech.append((time, end))
        if [word for word, _, _ in words] != keywords_in(text):
            return None
        return to_int16(resample_poly(pcm, 320, 441)), words, merged(speech)


class Pico:
    """SVOX Pico by the package ttspico: two women, from the US and from Britain.

    Pico does not tell when it says a word. So it says everything twice, with the keywords once at
    the same volume as the rest and once 12 dB softer: where the two differ, there they are.
    """

    LANGUAGES = ("en-US", "en-GB")
    FRAME = 160

    def __init__(self) -> None:
        from ttspico import TtsEngine

        self._engines = {language: TtsEngine(language) for language in self.LANGUAGES}

    def speak(
        self, language: str, text: str, rate: int, pitch: int
    ) -> tuple[np.ndarray, list[tuple[str, float, float]], list[tuple[float, float]]] | None:
        """Samples, keyword times and speech times; None if the keywords cannot be told apart."""
        engine = self._engines[language]
        engine.rate, engine.pitch = rate, pitch
        expected = keywords_in(text)
        pcm = self._run(engine, text, 40)
        levels = self._decibels(pcm)
        second = self.FRAME / SAMPLE_RATE
        loud = levels > max(20.0, levels.max() - 45.0)
        # A closure inside of a word is no pause; a click at the end of everything is no speech.
        speech = [(a * second, b * second) for a, b in self._runs(loud, 12) if b - a >= 8]
        words = []
        if expected:
            soft = self._run(engine, text, 10)
            if len(soft) != len(pcm):
                return None
            differ = loud & (levels - self._decibels(soft) > 7.0)
            runs = [run for run in self._runs(differ, 8) if run[1] - run[0] >= 8]
            if len(runs) != len(expected):
                return None
            # The volume comes back with the last phone, before its sound has died away.
            ends = [last for _, last in self._runs(loud, 2)]
            for word, (first, last) in zip(expected, runs, strict=True):
                last = min([end for end in ends if last <= end <= last + 20], default=last)
                words.append((word, first * second, last * second))
        return pcm, words, speech

    @staticmethod
    def _run(engine: object, text: str, keyword_volume: int) -> np.ndarray:
        said = re.sub(
            r"[A-Za-z']+",
            lambda word: (
                f'</volume><volume level="{keyword_volume}">{word[0]}</volume><volume level="40">'
                if word[0].lower() in KEYWORDS
                else word[0]
            ),
            text,
        )
        return np.frombuffer(engine.speak(f'<volume level="40">{said}</volume>'), np.int16)

    def _decibels(self, pcm: np.ndarray) -> np.ndarray:
        frames = pcm[: len(pcm) // self.FRAME * self.FRAME].reshape(-1, self.FRAME)
        return 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1.0)

    @staticmethod
    def _runs(yes: np.ndarray, gap: int) -> list[tuple[int, int]]:
        """First and last frame of each run; gaps of up to so many frames do not end one."""
        found: list[tuple[int, int]] = []
        edges = np.flatnonzero(np.diff(np.concatenate([[0], yes.astype(np.int8), [0]])))
        for first, last in edges.reshape(-1, 2).tolist():
            if found and first - found[-1][1] <= gap:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
        return found


def merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that touch, joined."""
    result: list[tuple[float, float]] = []
    for start, end in spans:
        if result and start - result[-1][1] < 0.03:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        elif end > start:
            result.append((start, end))
    return result


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Rounded and clipped."""
    return np.clip(np.round(samples), -32768, 32767).astype(np.int16)
