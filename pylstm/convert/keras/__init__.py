"""Keras's model files become layers."""

from pylstm.convert.keras.importer import from_keras

__all__ = ["from_keras"]
