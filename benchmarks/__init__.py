"""Benchmarks of pylstm. Each file measures the answer to one question; ``python -m benchmarks``
runs them all, beside librosa, kaldi-native-fbank, PyTorch and ONNX Runtime, in one run.

    contest.py   contenders take turns, in rounds; their answers must agree before they are timed
    core.py      the C level: core.c, compiled and asked as one more contender
    peers.py     the other libraries, where they are installed, on one thread
    machine.py   the facts of the machine that figures depend on
    report.py    results as JSON, as tables in docs/performance.md, as plots
"""
