"""Audio files: mono float32 at the rate that is wanted, in bounded memory.

What reads them, soundfile and soxr, comes with ``pylstm[cli]`` and ``pylstm[train]`` and is
imported when the first file is opened.
"""

from pylstm.audio.audio_file import AudioError, AudioFile, RateError, soundfile_and_soxr
from pylstm.audio.header import Header

__all__ = ["AudioError", "AudioFile", "Header", "RateError", "soundfile_and_soxr"]
