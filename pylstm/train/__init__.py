"""Training: models learn from recordings, on the CPU, with NumPy and SciPy."""
