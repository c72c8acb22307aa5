"""Folders of recordings and manifests, made on the spot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tests.audio_files import sound


def folders(root: Path, names: Iterable[str]) -> Path:
    """A set of recordings: ``label/file.wav`` each, of different lengths."""
    for seed, name in enumerate(names):
        sound(root / name, 0.1 + 0.02 * (seed % 5), seed=seed)
    return root


def speakers(root: Path, labels: Iterable[str], n: int) -> Path:
    """Every label from every one of n speakers, named as in Speech Commands."""
    return folders(root, [f"{label}/s{k}_nohash_0.wav" for label in labels for k in range(n)])


def csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path
