"""Augmentation: random changes of recordings, so that a model hears more variety."""
