"""RTNeural's JSON becomes layers that give what RTNeural gives, or an error that names what cannot
be."""

from __future__ import annotations

import ast
import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.convert import from_rtneural
from tests.convert import rtneural_files
from tests.convert.conversions import assert_streams, noise

torch = pytest.importorskip("torch", reason="it is what they are compared with: pip install torch")

STEPS = 60


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("width", "make", "arguments"),
    [pytest.param(*case, id=name) for name, *case in rtneural_files.cases()],
)
def test_a_layer_gives_what_pytorch_gives(width: int, make: Any, arguments: Any) -> None:
    torch.manual_seed(1)
    entry, forward = make(*arguments)
    x = noise(STEPS, width)
    shape = [None, None, width]
    if "num_features_in" in entry:
        shape[2:] = [entry["num_features_in"], entry["num_filters_in"]]
    conversion = from_rtneural({"in_shape": shape, "layers": [entry]})
    assert_streams(conversion, x, rtneural_files.rows_of(forward, x))


@pytest.mark.law_framework_exact
def test_a_file_of_many_layers(tmp_path: Path) -> None:
    torch.manual_seed(2)
    document, forward = rtneural_files.network()
    path = tmp_path / "network.json"
    path.write_text(json.dumps(document))
    x = noise(STEPS, 9)
    for source in (path, str(path), document):
        assert_streams(from_rtneural(source), x, rtneural_files.rows_of(forward, x))


def test_norms_and_activations_are_folded() -> None:
    torch.manual_seed(2)
    document, _ = rtneural_files.network()
    kinds = [layer.kind for layer in from_rtneural(document).layers]
    assert kinds == ["conv", "conv", "affine", "activation", "gru", "lstm", "dense"]


class StateDict:
    """A chain of modules with what a program would do between them."""

    def __init__(self) -> None:
        nn = torch.nn
        torch.manual_seed(3)
        self.modules = nn.ModuleDict(
            {
                "conv": nn.Conv1d(4, 6, 3, dilation=2, groups=2),
                "norm": nn.BatchNorm1d(6),
                "slope": nn.PReLU(6),
                "lstm": nn.LSTM(6, 5, 2),
                "gru": nn.GRU(5, 4),
                "dense": nn.Linear(4, 3),
                "head": nn.Linear(3, 2),
            }
        ).eval()
        self.modules["norm"].running_mean.normal_()
        self.modules["norm"].running_var.uniform_(0.5, 2)
        state = self.modules.state_dict().items()
        self.document = {name: value.tolist() for name, value in state}
        self.options = {
            "conv.": {"dilation": 2, "groups": 2, "activation": "linear"},
            "norm.": {"eps": 1e-5},
            "dense.": {"activation": "tanh"},
        }

    def __call__(self, x: Any) -> Any:
        m = self.modules
        y = m["conv"](torch.nn.functional.pad(x.T[None], (4, 0)))
        y = m["slope"](m["norm"](y))[0].T
        y = m["gru"](m["lstm"](y)[0])[0]
        return m["head"](torch.tanh(m["dense"](y)))


@pytest.mark.law_framework_exact
def test_a_state_dict() -> None:
    state, x = StateDict(), noise(STEPS, 4)
    conversion = from_rtneural(state.document, options=state.options)
    assert_streams(conversion, x, rtneural_files.rows_of(state, x))
    assert conversion.notes == (
        "'head.' at the end is taken for linear: a state dict does not hold its activation.",
    )


@pytest.mark.parametrize(
    ("beginning", "key"),
    [
        ("conv.", "dilation"),
        ("conv.", "groups"),
        ("conv.", "activation"),
        ("norm.", "eps"),
        ("dense.", "activation"),
    ],
)
def test_what_a_state_dict_does_not_hold_has_to_be_said(beginning: str, key: str) -> None:
    state = StateDict()
    del state.options[beginning][key]
    with pytest.raises(ValueError, match=re.escape(f"options['{beginning}'] is missing '{key}'")):
        from_rtneural(state.document, options=state.options)


def test_what_has_to_be_said_can_be_said_as_the_message_has_it() -> None:
    state, options = StateDict(), dict[str, Any]()
    while True:
        try:
            from_rtneural(state.document, options=options)
            break
        except ValueError as error:
            (said,) = re.findall(r"from_rtneural\(path, options=(.*)\), with", str(error))
            given = ast.literal_eval(said)
            assert not given.keys() & options.keys()
            options |= given
            if "conv." in given:  # the values of this network
                options["conv."] |= {"dilation": 2, "groups": 2}
    assert options.keys() == state.options.keys()


@pytest.mark.parametrize("options", [{"other.": {}}, {"lstm.": {"eps": 1.0}}])
def test_options_for_nothing_are_refused(options: Any) -> None:
    state = StateDict()
    with pytest.raises(ValueError, match=r"options(\['lstm.'\])? has"):
        from_rtneural(state.document, options=state.options | options)


def recurrent_document(unit: str, inputs: int, outputs: int, layers: int, bias: bool, skip: int):
    torch.manual_seed(4)
    hidden = 7
    modules = torch.nn.ModuleDict(
        {
            "rec": getattr(torch.nn, unit)(inputs, hidden, layers),
            "lin": torch.nn.Linear(hidden, outputs, bias=bias),
        }
    )
    data = {"model": "SimpleRNN", "input_size": inputs, "skip": skip, "output_size": outputs}
    data |= {"unit_type": unit, "num_layers": layers, "hidden_size": hidden, "bias_fl": bias}
    state = {name: value.tolist() for name, value in modules.state_dict().items()}

    def forward(x: Any) -> Any:
        y = modules["lin"](modules["rec"](x)[0])
        return y + x[:, :skip] if skip else y

    return {"model_data": data, "state_dict": state}, forward


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("unit", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize(
    ("inputs", "outputs", "layers", "bias", "skip"),
    [(1, 1, 1, True, 1), (3, 1, 2, False, 1), (3, 2, 1, True, 0), (2, 2, 1, True, 2)],
)
def test_a_recurrent_model_with_its_input_added(
    unit: str, inputs: int, outputs: int, layers: int, bias: bool, skip: int
) -> None:
    document, forward = recurrent_document(unit, inputs, outputs, layers, bias, skip)
    x = noise(STEPS, inputs)
    assert_streams(from_rtneural(document), x, rtneural_files.rows_of(forward, x))


# --- refusals -------------------------------------------------------------------------------------


def mutations(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all keys and of all arrays of weights."""
    found: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += [(*path, key), *mutations(inner, (*path, key))]
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        for place, inner in enumerate(value):
            found += [(*path, place), *mutations(inner, (*path, place))]
    return found


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


DOCUMENTS = {
    "layers": lambda: rtneural_files.network()[0],
    "recurrent": lambda: recurrent_document("GRU", 2, 1, 2, True, 1)[0],
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_with_something_missing_or_surplus_is_refused(data: st.DataObject) -> None:
    torch.manual_seed(5)
    document = copy.deepcopy(DOCUMENTS[data.draw(st.sampled_from(sorted(DOCUMENTS)))]())
    # A network with a layer less may be a network, too.
    places = [place for place in mutations(document) if len(place) != 2 or place[0] != "layers"]
    path = data.draw(st.sampled_from(places))
    holder, key = at(document, path[:-1]), path[-1]
    change = data.draw(st.sampled_from(["missing", "renamed", "surplus", "text", "longer", "nan"]))
    if isinstance(holder, list):
        if change in ("missing", "renamed"):
            if path[-2:] == ("weights", 1) and "dense" in at(document, path[:-2])["type"]:
                return  # one without a bias is a dense layer, too
            del holder[key]
        elif change == "surplus":
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = {"text": "text", "longer": [*holder[key], 1.0], "nan": [np.nan]}[change]
    elif change == "missing":
        if key == "activation":  # RTNeural takes it for none, too
            return
        del holder[key]
    elif change == "renamed":
        holder[f"{key}_"] = holder.pop(key)
    elif change == "surplus":
        holder["more"] = [[1.0]]
    else:
        holder[key] = {"text": "text", "longer": [[[[0.5]]]], "nan": np.nan}[change]
    with pytest.raises((ValueError, TypeError)) as refused:
        from_rtneural(document)
    assert "; expected" in str(refused.value) or "'options" in str(refused.value)


@pytest.mark.parametrize("layer", [0, 3, 6, 7, 8])
@pytest.mark.parametrize("change", ["transposed", "swapped"])
def test_weights_in_another_order_are_refused(layer: int, change: str) -> None:
    torch.manual_seed(5)
    document = rtneural_files.network()[0]
    weights = document["layers"][layer]["weights"]
    if change == "transposed":
        weights[0] = np.array(weights[0]).swapaxes(0, -1).tolist()
    else:
        weights[0], weights[1] = weights[1], weights[0]
    with pytest.raises(ValueError, match=r"weights\[\d\] of layers\[\d\] .*; expected"):
        from_rtneural(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "unknown"}, "'type' of layers[0] is 'unknown'; expected 'dense', "),
        ({"activation": "selu"}, "'activation' of layers[0] (dense) is 'selu'; expected '', "),
        ({"shape": [None, 3]}, "'shape' of layers[0] (dense) is [None, 3]; expected 2 at its end"),
        ({"weights": []}, "'weights' of layers[0] (dense) has 0 arrays; expected 1 or 2"),
        ({"weights": [[[1], [2, 3]]]}, "has rows of different lengths; expected equal ones"),
        ({"weights": [[[True, 1.0]]]}, "has True in it; expected numbers"),
        ({"weights": [[[1e39, 1.0]]]}, "has a value that is not finite in float32; expected"),
        ({"rate": 2}, "layers[0] (dense) has 'rate', which is 2; expected no such key"),
    ],
)
def test_messages(change: dict[str, Any], message: str) -> None:
    entry = {"type": "dense", "activation": "", "shape": [None, 2], "weights": [[[1.0, 2.0]]]}
    from_rtneural({"in_shape": [None, 1], "layers": [entry]})
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        from_rtneural({"in_shape": [None, 1], "layers": [entry | change]})


@pytest.mark.parametrize("key", ["gain", "model"])
def test_what_programs_do_besides_is_refused_and_can_be_removed(key: str) -> None:
    document = rtneural_files.network()[0] | {key: 1}
    with pytest.raises(ValueError, match=f"source has '{key}', which is 1; expected no such key"):
        from_rtneural(document)
    del document[key]
    from_rtneural(document)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("inputs", [1, 3])
def test_the_input_is_added_where_in_skip_says_so(inputs: int) -> None:
    torch.manual_seed(7)
    (lstm, first), (dense, last) = rtneural_files.lstm(inputs, 4), rtneural_files.dense(4, 1)
    document = {"in_shape": [None, None, inputs], "layers": [lstm, dense], "in_skip": 1}
    x = noise(STEPS, inputs)
    expected = rtneural_files.rows_of(lambda x: last(first(x)), x)
    conversion = from_rtneural(document)
    assert_streams(conversion, x, expected + x[:, :1])
    assert conversion.notes[0].startswith("'in_skip' adds the first input to the output")
    assert_streams(from_rtneural(document | {"in_skip": 0, "in_gain": 0.0}), x, expected)


def test_gains_and_sums_that_cannot_be_are_refused() -> None:
    document = rtneural_files.network()[0]
    message = r"'in_gain' of source is 3\.5; expected 0, .* outside of the network; remove the key"
    with pytest.raises(ValueError, match=message):
        from_rtneural(document | {"in_gain": 3.5})
    with pytest.raises(ValueError, match="'out_gain' of source is True; expected 0, or no such"):
        from_rtneural(document | {"out_gain": True})
    with pytest.raises(ValueError, match="'in_skip' of source is 1; expected 0, or one output"):
        from_rtneural(document | {"in_skip": 1})


def test_notes_of_programs_are_no_part_of_the_network() -> None:
    conversion = from_rtneural(
        rtneural_files.network()[0] | {"author": "me", "samplerate": "48000"}
    )
    assert conversion.notes[:2] == (
        "'author' of the file is a note.",
        "'samplerate' of the file is a note.",
    )


def test_what_keras_did_at_the_edges_is_noted() -> None:
    torch.manual_seed(6)
    conv, _ = rtneural_files.conv1d(1, 2, 3)
    conv["shape"] = [None, 98, 2]
    notes = from_rtneural({"in_shape": [None, 100, 1], "layers": [conv]}).notes
    assert [note.split(";")[0] for note in notes] == ["layers[0] (conv1d) had no padding in Keras"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[1]", "holds [1]; expected a JSON object"),
        (b"{", "cannot be read as JSON"),
        (b'{"a": 1, "a": 2}', "the key 'a' stands there twice"),
        (b'{"a": NaN}', "a number is NaN; expected a finite one"),
        (b'{"a": ' + b"[" * 100_000, "cannot be read as JSON"),
        (b"\xff", "cannot be read as JSON"),
        (b"{}", "source is empty; expected RTNeural's JSON or a state dict"),
        (
            b'{"activation": "gated", "dilations": [1, 2], "variables": [{}]}',
            "source has 'activation', 'dilations', 'variables'; expected 'in_shape' and 'layers',",
        ),
        (
            b'{"drive_0_0": {"in_shape": [], "layers": []}, "drive_0_1": {}}',
            "source has 'drive_0_0', 'drive_0_1'; expected 'in_shape' and 'layers', ",
        ),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "network.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(message)):
        from_rtneural(path)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(TypeError, match="source is of type int; expected a path or a mapping"):
        from_rtneural(3)  # type: ignore[arg-type]
