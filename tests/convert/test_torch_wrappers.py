"""What wraps modules and their state dicts is taken away, or named: compile, DataParallel,
Lightning, TorchScript, weight norm, pruning, quantisation, files, other types of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import pylstm
from pylstm.convert import from_torch
from pylstm.layers import LSTM, Dense

torch = pytest.importorskip("torch", reason="it is PyTorch's: pip install 'pylstm[torch]'")
nn = torch.nn

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated"),
    pytest.mark.filterwarnings("ignore:.*(is|are) deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor, torch.quantize_per_channel"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
]

KINDS = [("LSTM", (5, 4, 2)), ("GRU", (5, 4)), ("Linear", (5, 4))]


def made(name: str, arguments: tuple[int, ...]) -> Any:
    torch.manual_seed(3)
    return getattr(nn, name)(*arguments)


def weight_names(module: Any) -> list[str]:
    return [name for name, _ in module.named_parameters() if name.startswith("weight")]


def assert_streams_as(layers: Any, module: Any, width: int = 5) -> None:
    """The rows of the module, within 1e-5, in cuts."""
    x = torch.randn(60, width)
    with torch.no_grad():
        expected = module(x)
    expected = expected[0] if isinstance(expected, tuple) else expected
    stream = pylstm.Model(None, [layers] if isinstance(layers, pylstm.layers.Layer) else layers)
    stream = stream.stream()
    rows = [stream.push_frames(part) for part in np.split(x.numpy(), [1, 7, 30])]
    np.testing.assert_allclose(np.concatenate(rows), expected.numpy(), rtol=0, atol=1e-5)


# --- weight norm and pruning ----------------------------------------------------------------------


def old_weight_norm(module: Any, name: str) -> None:
    nn.utils.weight_norm(module, name)


def new_weight_norm(module: Any, name: str) -> None:
    nn.utils.parametrizations.weight_norm(module, name)


def whole_weight_norm(module: Any, name: str) -> None:
    nn.utils.parametrizations.weight_norm(module, name, dim=None)


def by_column(module: Any, name: str) -> None:
    nn.utils.weight_norm(module, name, dim=1)


def pruned(module: Any, name: str) -> None:
    torch.nn.utils.prune.l1_unstructured(module, name, amount=0.4)


COMPUTED = [old_weight_norm, new_weight_norm, whole_weight_norm, by_column, pruned]


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("computed", COMPUTED)
@pytest.mark.parametrize(("name", "arguments"), KINDS)
def test_computed_weights_are_computed(
    name: str, arguments: tuple[int, ...], computed: Callable[[Any, str], None]
) -> None:
    import torch.nn.utils.prune

    module = made(name, arguments)
    for weight in weight_names(module):
        computed(module, weight)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    layer = from_torch(module)
    assert_streams_as(layer, module)
    assert from_torch(module.state_dict()) == layer
    prefixed = {f"encoder.{key}": value for key, value in module.state_dict().items()}
    assert from_torch(prefixed, prefix="encoder.") == layer


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("computed", COMPUTED)
def test_a_part_of_a_computed_weight_is_missing(computed: Callable[[Any, str], None]) -> None:

    module = made("LSTM", (5, 4))
    computed(module, "weight_hh_l0")
    state = module.state_dict()
    for name in [key for key in state if "weight_hh_l0" in key]:
        rest = {key: value for key, value in state.items() if key != name}
        with pytest.raises(ValueError, match="weight_hh_l0"):
            from_torch(rest)
        if state[name].numel() == 1:
            continue
        other = state[name][None, None]
        with pytest.raises(ValueError, match="weight_hh_l0"):
            from_torch({**state, name: other})


@pytest.mark.parametrize("holder", ["module", "state dict"])
@pytest.mark.parametrize("kind", ["spectral_norm", "orthogonal", "old spectral_norm", "own"])
def test_other_parametrisations_are_named_with_what_removes_them(kind: str, holder: str) -> None:
    class Doubled(nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, w: Any) -> Any:
            return 2 * w

    module = made("Linear", (5, 4))
    if kind == "own":
        nn.utils.parametrize.register_parametrization(module, "weight", Doubled())
    elif kind == "old spectral_norm":
        nn.utils.spectral_norm(module)
    else:
        getattr(nn.utils.parametrizations, kind)(module)
    source = module if holder == "module" else module.state_dict()
    with pytest.raises(ValueError, match=r"'weight' of .* is under .*; expected weights") as caught:
        from_torch(source)
    told = re.search(r"torch\.nn\.utils\.\S+\(module, 'weight'\)", str(caught.value))
    assert told
    exec(told[0], {"torch": torch, "module": module})
    assert_streams_as(from_torch(module), module)


def test_hooks_are_refused() -> None:
    module = made("Linear", (5, 4))
    handle = module.register_forward_hook(lambda module, args, output: 2 * output)
    with pytest.raises(ValueError, match="Linear has the hook '<lambda>'; expected a module"):
        from_torch(module)
    handle.remove()
    assert_streams_as(from_torch(module), module)


# --- wrappers -------------------------------------------------------------------------------------

WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "compile": torch.compile,
    "DataParallel": nn.DataParallel,
    "both": lambda module: torch.compile(nn.DataParallel(module)),
    "averaged": torch.optim.swa_utils.AveragedModel,
}


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(("name", "arguments"), KINDS)
def test_wrapped_modules(name: str, arguments: tuple[int, ...], wrapper: str) -> None:
    module = made(name, arguments)
    wrapped = WRAPPERS[wrapper](module)
    assert from_torch(wrapped) == from_torch(module)
    assert from_torch(wrapped.state_dict()) == from_torch(module)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrapped_networks(wrapper: str) -> None:
    network = nn.Sequential(nn.LSTM(5, 4), nn.Linear(4, 3), nn.ReLU())
    wrapped = WRAPPERS[wrapper](network)
    assert from_torch(wrapped) == from_torch(network)
    for prefix in ("0.", "1."):
        own = from_torch(network.state_dict(), prefix=prefix)
        assert from_torch(wrapped.state_dict(), prefix=prefix) == own
        names = [name for name in wrapped.state_dict() if f".{prefix}" in name]
        before = names[0][: names[0].index(f".{prefix}") + 1 + len(prefix)]
        assert from_torch(wrapped.state_dict(), prefix=before) == own


def test_one_compiled_part_of_a_network() -> None:
    network = nn.Sequential(torch.compile(nn.LSTM(5, 4)), nn.Linear(4, 3))
    assert [type(layer) for layer in from_torch(network)] == [LSTM, Dense]
    assert from_torch(network.state_dict(), prefix="0.") == from_torch(network[0])


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "ema"])
@pytest.mark.parametrize("prefix", ["", "model.", "module.", "model.module.", "_orig_mod."])
def test_checkpoints_are_looked_into(key: str, prefix: str) -> None:
    module = made("LSTM", (5, 4))
    state = {prefix + name: value for name, value in module.state_dict().items()}
    optimiser = torch.optim.Adam(module.parameters()).state_dict()
    checkpoint = {"epoch": 3, key: state, "optimizer_states": [optimiser], "lr": 0.1, "best": None}
    assert from_torch(checkpoint) == from_torch(module)
    checkpoint["optimizer"] = optimiser
    assert from_torch(checkpoint) == from_torch(module)


def test_a_checkpoint_with_two_state_dicts_says_which() -> None:
    state = made("LSTM", (5, 4)).state_dict()
    checkpoint = {"generator": state, "discriminator": state, "epoch": 3}
    with pytest.raises(ValueError, match=r"under 'generator', 'discriminator'; .*'generator'\]"):
        from_torch(checkpoint)
    assert from_torch(checkpoint["generator"]).n_outputs == 4


def test_a_checkpoint_with_a_module() -> None:
    module = made("LSTM", (5, 4))
    with pytest.raises(ValueError, match=r"a module of type LSTM under 'net'; .*\['net'\]"):
        from_torch({"net": module, "epoch": 3})


def test_a_checkpoint_with_none() -> None:
    with pytest.raises(TypeError, match="'epoch' of the state dict is of type int; expected a ten"):
        from_torch({"epoch": 3, "lr": 0.1})


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(("name", "arguments"), KINDS)
def test_torchscript(name: str, arguments: tuple[int, ...]) -> None:
    module = made(name, arguments)
    assert from_torch(torch.jit.script(module)) == from_torch(module)


def test_torchscript_of_a_network_takes_a_prefix() -> None:
    network = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3))
    script = torch.jit.script(network)
    assert from_torch(script, prefix="1.") == from_torch(network[1])
    with pytest.raises(ValueError, match=r"its names begin with '0\.', '1\.', choose one"):
        from_torch(script)


# --- what a state dict alone does not tell --------------------------------------------------------


def test_a_missing_prefix_beside_a_batch_norm() -> None:
    network = nn.Sequential()
    network.add_module("lstm", nn.LSTM(5, 4))
    network.add_module("bn", nn.BatchNorm1d(4))
    with pytest.raises(ValueError, match=r"its names begin with 'bn\.', 'lstm\.', .* prefix"):
        from_torch(network.state_dict())
    assert from_torch(network.state_dict(), prefix="lstm.").n_outputs == 4


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (nn.BatchNorm1d(4), "is of a batch norm, whose eps it does not hold"),
        (nn.LayerNorm(4), "as of a norm, whose eps no state dict holds"),
        (nn.Conv1d(5, 4, 3), "as of a convolution, whose stride, padding and dilation"),
        (nn.Conv2d(5, 4, 3), "as of a convolution, whose stride, padding and dilation"),
        (nn.Embedding(5, 4), r"stands alone, .* nn\.Embedding .* expected activation='linear'"),
        (nn.Linear(5, 4, bias=False), r"stands alone, .*; expected activation='linear'"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "part."])
def test_state_dicts_of_other_modules(module: Any, says: str, prefix: str) -> None:
    state = {prefix + name: value for name, value in module.state_dict().items()}
    with pytest.raises(ValueError, match=says):
        from_torch(state, prefix=prefix)


def test_a_matrix_alone_is_a_linear_where_somebody_says_so() -> None:
    module = nn.Linear(5, 4, bias=False)
    assert from_torch(module.state_dict(), activation="linear") == from_torch(module)


def test_an_embedding_is_what_the_message_says() -> None:
    module = nn.Embedding(7, 4)
    with pytest.raises(ValueError, match=r"stands alone, .* Linear, or one_hot=True, for a Dense"):
        from_torch(module.state_dict())
    layer = from_torch(module.state_dict(), one_hot=True)
    weight = module.weight.detach().numpy()
    rows, _ = layer.forward(np.eye(7, dtype=np.float32))
    np.testing.assert_array_equal(rows, weight)
    with pytest.raises(ValueError, match=r"Embedding looks up the numbers .* and one_hot=True, fo"):
        from_torch(module)
    assert from_torch(module, one_hot=True) == layer
    with pytest.raises(ValueError, match=r"activation is 'tanh'; expected None with one_hot=True"):
        from_torch(module.state_dict(), one_hot=True, activation="tanh")
    with pytest.raises(ValueError, match=r"one_hot is True, and the names in .* are 'weight', 'bi"):
        from_torch(nn.Linear(2, 3).state_dict(), one_hot=True)


# --- quantised ------------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(("name", "arguments"), KINDS)
def test_dynamically_quantised_modules(name: str, arguments: tuple[int, ...]) -> None:
    module = made(name, arguments)
    network = torch.ao.quantization.quantize_dynamic(nn.Sequential(module), {type(module)})
    for source in (network, network[0]):
        with pytest.raises(ValueError, match=rf"is a quantised {name} \(torch\.ao.*; expected fl"):
            from_torch(source)
    with pytest.raises(ValueError, match="is of a quantised module; expected float32"):
        from_torch(network[0].state_dict())
    layer = from_torch(network[0], dtype="float32")
    exact = from_torch(module)
    for key, values in layer.weights.items():
        step = np.abs(exact.weights[key]).max() / 127
        assert np.abs(values - exact.weights[key]).max() <= step


@pytest.mark.law_framework_exact
def test_other_quantised_modules_are_named() -> None:
    network = nn.Sequential(nn.LSTM(5, 4))
    half = torch.ao.quantization.quantize_dynamic(network, {nn.LSTM}, dtype=torch.float16)
    with pytest.raises(
        ValueError, match=r"a quantised LSTM \(torch\.ao.*\) of torch\.float16; exp"
    ):
        from_torch(half, dtype="float32")
    quantisable = torch.ao.nn.quantizable.LSTM(5, 4)
    with pytest.raises(ValueError, match=r"source is a quantised LSTM \(torch\.ao.*quantizable"):
        from_torch(quantisable)


# --- types of numbers -----------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("precision", ["double", "half", "bfloat16"])
@pytest.mark.parametrize(("name", "arguments"), KINDS)
def test_other_precisions_where_asked_for(
    name: str, arguments: tuple[int, ...], precision: str
) -> None:
    module = getattr(made(name, arguments), precision)()
    for source in (module, module.state_dict()):
        with pytest.raises(TypeError, match=r"is torch\..*\.float\(\), or pass dtype='float32'"):
            from_torch(source)
        assert from_torch(source, dtype="float32") == from_torch(module.float())
        module = getattr(module, precision)()


def test_whole_numbers_are_never_converted() -> None:
    for array in (np.ones((2, 3), np.int8), torch.ones((2, 3), dtype=torch.int32)):
        with pytest.raises(TypeError, match=r"'weight' of the state dict is .*int"):
            from_torch({"weight": array, "bias": np.ones(2, "f4")}, dtype="float32")


def test_what_float32_does_not_hold() -> None:
    with pytest.raises(ValueError, match="'weight' of the state dict is not finite"):
        from_torch({"weight": np.full((1, 1), 1e300), "bias": np.ones(1, "f4")}, dtype="float32")


def test_another_dtype() -> None:
    with pytest.raises(ValueError, match="dtype is 'float16'; expected 'float32'"):
        from_torch({}, dtype="float16")  # type: ignore[call-overload]


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("form", [str, Path, lambda path: str(path).encode()])
@pytest.mark.parametrize("end", [".pt", ".ckpt", ".safetensors"])
@pytest.mark.parametrize("precision", ["float", "bfloat16"])
def test_files(tmp_path: Path, form: Callable[[Any], Any], end: str, precision: str) -> None:
    module = getattr(made("LSTM", (5, 4)), precision)()
    path = tmp_path / f"model{end}"
    if end == ".safetensors":
        import safetensors.torch

        safetensors.torch.save_file(module.state_dict(), path)
    else:
        whole = {"state_dict": module.state_dict(), "epoch": 3} if end == ".ckpt" else None
        torch.save(whole or module.state_dict(), path)
    assert from_torch(form(path), dtype="float32") == from_torch(module.float())


def test_a_file_that_holds_code_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(made("LSTM", (5, 4)), path)
    with pytest.raises(ValueError, match=r"model\.pt', which torch\.load.*refuses; expected a fil"):
        from_torch(path)
    torch.jit.save(torch.jit.script(nn.Linear(5, 4)), path)
    with pytest.raises(ValueError, match=r"a TorchScript program; .* torch\.jit\.load\('") as error:
        from_torch(path)
    told = re.search(r"torch\.jit\.load\('.*'\)", str(error.value))
    assert told
    assert from_torch(eval(told[0])).n_outputs == 4


@pytest.mark.parametrize("end", [".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\x80\x02.", bytes(100)])
def test_files_of_other_things(tmp_path: Path, end: str, content: bytes) -> None:
    path = tmp_path / f"model{end}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^source is '.*model"):
        from_torch(path)


def test_no_file(tmp_path: Path) -> None:
    for end in (".pt", ".safetensors"):
        with pytest.raises(FileNotFoundError):
            from_torch(tmp_path / f"none{end}")


def test_a_file_of_pylstm(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    pylstm.Model(None, [Dense(3, 2, seed=0)]).save(path)
    with pytest.raises(ValueError, match=r"a model of pylstm; .* with pylstm\.load"):
        from_torch(path)


# --- mutations ------------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@given(data=st.data())
def test_mutated_state_dicts_are_refused(data: st.DataObject) -> None:
    name, arguments = data.draw(st.sampled_from(KINDS))
    module = made(name, arguments)
    if data.draw(st.booleans()):
        new_weight_norm(module, weight_names(module)[0])
    state = dict(module.state_dict())
    chosen = data.draw(st.sampled_from(sorted(state)))
    kinds = ["renamed", "missing", "surplus", "transposed", "longer", "swapped"]
    how = data.draw(st.sampled_from(kinds))
    before = state[chosen]
    if how == "renamed":
        state[chosen + data.draw(st.sampled_from(["x", "_", "0", ".x"]))] = state.pop(chosen)
    elif how == "missing":
        del state[chosen]
    elif how == "surplus":
        state[data.draw(st.text("abc_l019.", min_size=1))] = before
    elif how == "transposed":
        state[chosen] = before.T if before.ndim == 2 else before[None]
    elif how == "longer":
        state[chosen] = torch.cat([before, before])
    else:
        other = data.draw(st.sampled_from(sorted(state)))
        state[chosen], state[other] = state[other], before
        # Two tensors of one shape: nothing but their names tells which is which.
        assume(state[chosen].shape != before.shape)
    # A Linear may be without a bias, and any matrix is one of some Linear.
    assume(name != "Linear" or how not in ("missing", "transposed"))
    with pytest.raises((ValueError, TypeError)):
        from_torch(state)
