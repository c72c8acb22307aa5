"""RTNeural's JSON becomes layers."""

from pylstm.convert.rtneural.importer import from_rtneural

__all__ = ["from_rtneural"]
