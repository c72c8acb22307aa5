"""Run by an installed wheel's Python, in an empty folder: NumPy alone is there beside pylstm.

Prints what the wheel says of itself; fails if it does not stream, if the cut of the audio shows in
the bits, or if importing it changed how this thread computes (what gcc's -ffast-math does).
"""

import inspect
import json
import os
import pathlib
import sys

import numpy as np

tiny = np.full(4, 1e-40, np.float32)  # subnormal
half = np.float32(0.5)
import pylstm  # noqa: E402

assert (tiny * half != 0).all(), "subnormals are flushed after import pylstm"
installed = pathlib.Path(pylstm.__file__).resolve()
assert (pathlib.Path(pylstm.get_include()) / "pylstm.h").is_file(), pylstm.get_include()
model = pylstm.load("keywords")
audio = (np.random.default_rng(0).standard_normal(model.sample_rate) * 0.1).astype(np.float32)
expected = model.run(audio)
kernels = pylstm.show_config()["isa"]["supported"]

# Accuracy: features and layers against the reference in float64, with every kernel.
names = set(inspect.signature(pylstm.reference.mfcc).parameters) & set(dir(model.features))
features = {name: getattr(model.features, name) for name in names}
layers = [layer.config() | {"weights": layer.weights} for layer in model.layers]
frames = pylstm.reference.mfcc(audio, **features)
exact = pylstm.reference.model(audio, {"kind": "mfcc", **features}, layers)
errors = {}
for name in kernels:
    os.environ["PYLSTM_ISA"] = name
    forced = pylstm.load("keywords")
    assert forced.isa == name
    close = np.abs(forced.features(audio) - frames).max(), np.abs(forced.run(audio) - exact).max()
    assert close[0] < 1e-3, (name, close)
    assert close[1] < 1e-5, (name, close)
    errors[name] = [float(f"{error:.1e}") for error in close]
del os.environ["PYLSTM_ISA"]

for count in (1, 7, 97):
    stream = model.stream()
    rows = [stream.push(chunk) for chunk in np.array_split(audio, count)]
    assert np.array_equal(np.concatenate([*rows, stream.flush()]), expected), count
pool = model.streams(3)
assert all(np.isfinite(rows).all() for rows in pool.push(dict.fromkeys(range(3), audio)).values())
assert (tiny * half != 0).all(), "subnormals are flushed after a push"
config = pylstm.show_config()
print(
    json.dumps(
        {
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "version": config["version"],
            "source": config["source"],
            "used": config["isa"]["used"],
            "supported": kernels,
            "errors": errors,  # of features and posteriors, each kernel's largest
            "folder": str(installed.parent),
            "rows": [len(expected), float(expected[-1].max())],
        }
    )
)
