"""Published networks, known by what is in their files: a file each, and one registry."""

from pylstm.convert.published.registry import INSTALLED, from_published, recipe_of

__all__ = ["INSTALLED", "from_published", "recipe_of"]
