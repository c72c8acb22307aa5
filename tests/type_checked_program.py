"""For `make lint`, never run: a type checker knows the names of the package, and reports others.

What it should report is ignored here, and an ignored line on which it reports nothing is an error.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pylstm
    from pylstm import Dense
    from pylstm import kinds as kinds  # type: ignore[attr-defined]
    from pylstm.layers import GRU

    width: int = pylstm.LSTM(3, 4, num_layers=2).width
    activation: str = Dense(4, 2).activation
    n_outputs: int = GRU(3, 4, bidirectional=True).n_outputs
    wrong: str = Dense(4, 2).n_outputs  # type: ignore[assignment]
    misspelt = pylstm.Dents(4, 2)  # type: ignore[attr-defined]
