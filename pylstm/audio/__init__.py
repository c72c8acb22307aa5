"""Audio files and audio as it arrives: mono float32 at any rate, in bounded memory.

soundfile and soxr read files, and soxr resamples what arrives. Both come with ``pylstm[cli]`` and
``pylstm[train]`` and are imported when the first file is opened, or the first intake that resamples
is made.
"""

from pylstm.audio.audio_file import AudioFile
from pylstm.audio.channel_levels import MixLoss
from pylstm.audio.decoder import Decoder, soundfile_and_soxr
from pylstm.audio.encoded_frames import EncodedFrames
from pylstm.audio.errors import AudioError, RateError
from pylstm.audio.header import Header
from pylstm.audio.intake import Intake
from pylstm.audio.pipe import Pipe
from pylstm.audio.piped_audio import has_header, piped_audio
from pylstm.audio.sample_encoding import SampleEncoding
from pylstm.audio.scale import scale_problem

__all__ = [
    "AudioError",
    "AudioFile",
    "Decoder",
    "EncodedFrames",
    "Header",
    "Intake",
    "MixLoss",
    "Pipe",
    "RateError",
    "SampleEncoding",
    "has_header",
    "piped_audio",
    "scale_problem",
    "soundfile_and_soxr",
]
