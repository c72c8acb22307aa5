"""Whole batches: packed sequences, stacks of recurrent layers, dense rows, and their gradients."""
