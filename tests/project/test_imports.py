"""What ``import pylstm`` brings along, and that numpy is enough to load a model and stream."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ImportError(name + " was imported")

HEAVY = {"scipy", "librosa", "torch", "keras", "h5py", "onnx",
         "matplotlib", "soundfile", "typer", "rich",
         "safetensors", "numba", "sounddevice"}
sys.meta_path.insert(0, Absent())
import numpy as np
import pylstm
model = pylstm.load("keywords")
rows = model.stream().push(np.zeros(16000, np.float32))
assert rows.shape[1] == len(model.labels)
pylstm.convert.from_torch({"weight": np.zeros((2, 3), np.float32), "bias": np.zeros(2, np.float32)})
assert not HEAVY & {name.partition(".")[0] for name in sys.modules}
print("light")
"""


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("light\n", "")
