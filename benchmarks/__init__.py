"""How fast is it? Each file is one question; ``python -m benchmarks`` asks them all, side by
side with librosa, kaldi-native-fbank, PyTorch and ONNX Runtime, in one run.

    contest.py   contenders take turns, in rounds; their answers must agree before they are timed
    core.py      the C level: core.c, compiled and asked as one more contender
    peers.py     the other libraries, where they are installed, on one thread
    machine.py   the facts of the machine that a figure is worth nothing without
    report.py    results as JSON, as tables in docs/performance.md, as plots
"""
