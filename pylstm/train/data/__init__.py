"""What a training learns from: recordings, their labels and targets, and batches of them."""
