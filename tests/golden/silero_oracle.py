"""What silero-vad makes of given probabilities, in samples.

It is installed without what it needs to read audio and to run its networks, which nothing here
does: ``pip install --no-deps silero-vad``. Its functions on probabilities need PyTorch.
"""

from typing import Any

from tests.speech_probabilities import SpeechCase

WHAT_RUNS_IT = "the oracle: pip install --no-deps silero-vad, and pip install 'pylstm[torch]'"


def silero_segments(case: SpeechCase) -> list[list[int]]:
    """``get_speech_timestamps_from_probs``: start and end of each segment."""
    from silero_vad.utils_vad import get_speech_timestamps_from_probs

    found = get_speech_timestamps_from_probs(
        case.probabilities.tolist(),
        sampling_rate=case.sampling_rate,
        audio_length_samples=case.samples,
        **case.settings,
    )
    return [[one["start"], one["end"]] for one in found]


def silero_events(case: SpeechCase) -> list[tuple[int, str, int]]:
    """``VADIterator``: the row on which each event comes, "start" or "end", and its sample."""
    import torch
    from silero_vad.utils_vad import VADIterator

    class Told:
        """Stands for the network: the first sample of a window is its probability."""

        def __call__(self, window: Any, sampling_rate: int) -> Any:
            return window[0]

        def reset_states(self) -> None:
            pass

    names = {"min_silence_duration_ms", "speech_pad_ms", "threshold"}
    settings = {name: value for name, value in case.settings.items() if name in names}
    iterator = VADIterator(Told(), sampling_rate=case.sampling_rate, **settings)
    found = []
    for row, probability in enumerate(case.probabilities.tolist()):
        told = iterator(torch.full((case.window,), probability, dtype=torch.float64))
        found += [(row, kind, sample) for kind, sample in (told or {}).items()]
    return found
