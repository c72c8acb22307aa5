"""How good a model is on recordings whose labels are known."""
