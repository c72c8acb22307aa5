"""``pylstm info``: the contents of a model file."""

from __future__ import annotations

import inspect
import json as json_module
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pylstm.arguments import number_of
from pylstm.cli.console.decisions import listener_of
from pylstm.cli.console.errors import CliError
from pylstm.cli.console.named_model import ModelArgument, NamedModel
from pylstm.cli.console.output import JsonOption, fact
from pylstm.features import Features
from pylstm.layers import KINDS
from pylstm.layers.graph import Node
from pylstm.layers.weights import n_parameters

__all__ = ["info"]

# What is said of a layer beside its settings.
BESIDE_SETTINGS = ("name", "inputs", "kind", "parameters", "precision")

# So many settings are all said; of more, those that are not as usual.
MOST_SETTINGS = 4


def info(
    model: ModelArgument,
    json: JsonOption = False,
) -> None:
    """Show a model's features, layers, labels, decision and latency."""
    facts = _facts(NamedModel.load(model))
    if json:
        print(json_module.dumps(facts))
        return
    for heading, text in _lines(facts):
        fact(heading, text)


def _facts(named: NamedModel) -> dict[str, Any]:
    """All facts, as JSON has them."""
    model = named.model
    layers = [_layer(node) for node in model.nodes]
    rate = model.sample_rate
    return {
        "model": named.name,
        "file": named.path.name,
        "size_bytes": named.size,
        "features": None if model.features is None else _features(model.features),
        "layers": layers,
        "graph": model.summary().splitlines(),
        "n_features": model.n_features,
        "n_outputs": model.n_outputs,
        "labels": None if model.labels is None else list(model.labels),
        "parameters": sum(layer["parameters"] for layer in layers),
        "precision": sorted({layer["precision"] for layer in layers if "precision" in layer}),
        "stream_bytes": model.stream_bytes,
        "latency_samples": None if rate is None else model.latency,
        "latency_ms": None if rate is None else 1000 * model.latency / rate,
        "isa": model.isa,
        "decision": _decision(named),
        "info": dict(model.info),
    }


def _decision(named: NamedModel) -> dict[str, Any]:
    """The settings in force; or why there are none, under "problem"."""
    try:
        settings = dict(listener_of(named, {}).decision)
    except CliError as error:
        return {"problem": str(error)}
    if isinstance(settings.get("threshold"), Mapping):
        settings["threshold"] = dict(settings["threshold"])
    if settings.get("max_speech") == math.inf:
        settings["max_speech"] = None  # JSON has no infinity
    return settings


def _features(features: Features) -> dict[str, Any]:
    keys = (key.removeprefix("features.") for key in features.config())
    settings = {name: getattr(features, name) for name in keys if name not in ("kind", "normalize")}
    return {"kind": features.kind, **settings, "normalize": features.mean is not None}


def _layer(node: Node) -> dict[str, Any]:
    layer = node.layer
    settings = {
        name: value
        for name in layer.settings
        if (value := getattr(layer, name)) != layer.later_settings.get(name, ...)
    }
    found = {"name": node.name, "inputs": list(node.inputs), "kind": layer.kind, **settings}
    found["parameters"] = n_parameters(layer.shapes)
    return found | ({"precision": layer.precision} if layer.has_matrices else {})


def _usual(kind: str) -> dict[str, Any]:
    """The settings of a kind of layer that need not be given, as its layers have them."""
    parameters = inspect.signature(KINDS[kind]).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
    return {name: (0, 0) if value == "valid" else value for name, value in defaults.items()}


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts for people: name and value on each line."""
    yield "model", f"{facts['model']}  ({facts['size_bytes']:,} bytes)"
    features = facts["features"]
    if features is None:
        yield "features", f"none: takes frames of {number_of(facts['n_features'], 'value')}"
    else:
        hop_ms = 1000 * features["hop_length"] / features["sr"]
        yield (
            "features",
            f"{features['kind']}: {number_of(facts['n_features'], 'value')} every {hop_ms:g} ms, "
            f"audio at {features['sr']} Hz",
        )
        settings = [f"{k}={_word(v)}" for k, v in features.items() if k not in ("kind", "sr")]
        for start in range(0, len(settings), 6):
            yield "", " ".join(settings[start : start + 6])
    for place, layer in enumerate(facts["layers"]):
        given = {k: v for k, v in layer.items() if k not in BESIDE_SETTINGS}
        usual = _usual(layer["kind"]) if len(given) > MOST_SETTINGS else {}
        settings = [f"{k}={_word(v)}" for k, v in given.items() if usual.get(k, ...) != v]
        size = (
            f"{layer['parameters']:,} {'parameter' if layer['parameters'] == 1 else 'parameters'}"
        )
        if layer.get("precision", "float32") != "float32":
            size += f" in {layer['precision']}"
        said = f"{' '.join(settings)}, " if settings else ""
        yield "" if place else "layers", f"{layer['kind']}: {said}{size}"
    for place, line in enumerate(facts["graph"]):
        yield "" if place else "graph", line
    precision = ", ".join(one for one in facts["precision"] if one != "float32")
    yield "parameters", f"{facts['parameters']:,}{' in ' if precision else ''}{precision}"
    yield "outputs", str(facts["n_outputs"])
    yield "labels", "none" if facts["labels"] is None else ", ".join(facts["labels"])
    if facts["latency_ms"] is not None:
        yield (
            "latency",
            f"{facts['latency_ms']:g} ms ({number_of(facts['latency_samples'], 'sample')})",
        )
    for place, line in enumerate(_in_words(facts["decision"])):
        yield "" if place else "decision", line
    yield "runs on", facts["isa"]
    for place, (key, value) in enumerate(facts["info"].items()):
        yield "" if place else "info", f"{key} = {value}"


def _in_words(decision: dict[str, Any]) -> Iterator[str]:
    """What a decision does, then its settings."""
    if "problem" in decision:
        yield f"none: {decision['problem']}"
        return
    kind, report = decision["kind"], decision["report"]
    if kind == "words":
        which = "each label by itself" if not decision["exclusive"] else "one label at a time"
        what = f"words: {which}, where its average reaches the threshold"
        when = {"early": "when they are decided", "final": "once they are over"}
    elif kind == "segments":
        what = f"segments of {decision['label']!r}: from when to when"
        when = {"early": "as soon as they are likely", "final": "once nothing changes them"}
    else:
        what = f"symbols: the best output of each row, without {decision['blank']!r}"
        when = {"early": "on their first row", "final": "behind their last row"}
    yield f"{what}; given {when[report]}"
    settings = [
        f"{name}={_setting(value)}"
        for name, value in decision.items()
        if name not in ("kind", "report", "exclusive", "label", "blank")
        and not (name == "background" and not value)
    ]
    for start in range(0, len(settings), 4):
        yield " ".join(settings[start : start + 4])


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{label}: {_word(number)}" for label, number in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(value) or "none"
    return "none" if value is None else _word(value)


def _word(value: Any) -> str:
    """A setting as Python code, short: 8000 for 8000.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)
