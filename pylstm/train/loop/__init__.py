"""The training loop: steps, epochs, validation, checkpoints, and what ends a training."""
