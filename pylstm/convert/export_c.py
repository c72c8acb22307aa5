"""A model as C source: for firmware and programs that must not read files."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pylstm import _engine
from pylstm.brief_repr import named_values
from pylstm.decisions.event import event
from pylstm.model import Model

__all__ = ["CSource", "c_name", "to_c"]

# C11, and what C++20 adds, for the header is included by both.
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
        alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t
        char32_t char8_t class co_await co_return co_yield compl concept const const_cast
        consteval constexpr constinit continue decltype default delete do double
        dynamic_cast else enum explicit export extern false float for friend goto if inline
        int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
        protected public register reinterpret_cast requires restrict return short signed
        sizeof static static_assert static_cast struct switch template this thread_local
        throw true try typedef typeid typename union unsigned using virtual void volatile
        wchar_t while xor xor_eq
        """,
    )
)
_LONGEST_NAME = 40
_WORDS_A_LINE = 4


class CSource(NamedTuple):
    """Two files of C.

    Attributes
    ----------
    source : str
        For ``name.c``.
    header : str
        For ``name.h``, which the source includes.
    """

    source: str
    header: str

    def __repr__(self) -> str:
        return named_values(self, self._asdict())


def c_name(text: str) -> str:
    """Makes a C name that is as close to a text as possible.

    Parameters
    ----------
    text : str
        The name of a model or of a file.

    Returns
    -------
    str
        One that `to_c` takes.

    Examples
    --------
    >>> c_name("keywords"), c_name("wake-word 2.1"), c_name("2 words"), c_name("switch")
    ('keywords', 'wake_word_2_1', 'model_2_words', 'model_switch')
    """
    name = re.sub("[^A-Za-z0-9]+", "_", text).strip("_")[: _LONGEST_NAME - len("model_")].strip("_")
    try:
        return _checked(name)
    except ValueError:
        return f"model_{name}" if name else "model"


def to_c(model: Model, name: str, header: str | None = None) -> CSource:
    """Write a model as C: its file as a constant, memory for it, a function that returns it ready.

    The function is ``const pylstm_model *<name>_model(pylstm_error *why)``.  The first call unpacks
    the model into static memory (no allocation, no file); all others return the same one.  The
    source has no other name that a linker sees, compiles as C11 together with ``pylstm.h`` and the
    core of the same version, and does not depend on the byte order.

    Parameters
    ----------
    model : Model
        With weights of any precision.
    name : str
        The beginning of the C names: a letter, then letters, digits and underscores, at most 40;
        not a word of C or C++, and not ``pylstm...``, which belongs to the library.
    header : str, optional
        How the source includes the header; default ``<name>.h``.

    Returns
    -------
    CSource
        The same model and name give the same text.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If the name is not one for C, or the header's cannot stand in an ``#include``.

    Examples
    --------
    >>> import pylstm
    >>> files = to_c(pylstm.Model(None, [pylstm.Dense(2, 1, seed=0)]), "tiny")
    >>> "const pylstm_model *tiny_model(pylstm_error *why);" in files.header
    True
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is {type(model).__name__}; expected a pylstm.Model")
    name = _checked(name)
    header = f"{name}.h" if header is None else header
    if (
        not isinstance(header, str)
        or not re.fullmatch(r"[ -~]+", header)
        or set('"\\') & set(header)
    ):
        raise ValueError(f"header is {header!r}; expected a file name of ASCII without quotes")
    if header.lower() == "pylstm.h":
        raise ValueError(f"header is {header!r}, which is the library's own; expected another name")
    data = model.to_bytes()
    sizes = [*zip(_SIZES, _engine.memory_of(data), strict=True), *_listener_sizes(data)]
    return CSource(_source(name, header, model, data), _header(name, model, len(data), sizes))


_SIZES = ("MODEL_SIZE", "STREAM_SIZE", "STREAM_SIZE_FOR_BATCH", "BATCH_SIZE")
_DECISION_SIZES = ("DECISION_SIZE", "LISTENER_SIZE", "LISTENER_SIZE_FOR_BATCH")


def _listener_sizes(data: bytes) -> list[tuple[str, int]]:
    """Names and bytes of a decision and a listener; nothing for a model that has no decision."""
    try:
        decision = _engine.Decision.for_model(_engine.Core(data), [], event)
    except ValueError:
        return []
    return list(zip(_DECISION_SIZES, decision.core_bytes, strict=True))


def _checked(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"name is {type(name).__name__}; expected str")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or "__" in name:
        raise ValueError(
            f"name is {name!r}; expected a letter, then letters, digits and single underscores"
        )
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"name has {len(name)} characters; expected at most {_LONGEST_NAME}")
    if name in _KEYWORDS or name.lower().startswith("pylstm"):
        raise ValueError(f"name is {name!r}, which is taken by C, C++ or the library")
    return name


_HEADER = """\
/* {about}
 *
 * Made by `pylstm export`; not to be edited. For pylstm {version}, whose pylstm.h says what to do
 * with a model.
 *
{facts}
 */
#ifndef {NAME}_MODEL_H
#define {NAME}_MODEL_H

#include "pylstm.h"

#if PYLSTM_VERSION_NUMBER / 100 != {number}
#error "exported for pylstm {version}: export it again with the version that is compiled"
#endif

#define {NAME}_SAMPLE_RATE {sample_rate} /* Hz; 0: takes frames, no audio */
#define {NAME}_HOP_LENGTH {hop_length} /* samples from row to row */
#define {NAME}_N_FEATURES {n_features}
#define {NAME}_N_OUTPUTS {n_outputs} /* floats of a row */

/* Bytes, where pointers have 64 bits; with narrower ones less would do: the constant, the model
 * (static memory of the source), and what pylstm_stream_init, pylstm_stream_init_for_batch,
 * pylstm_batch_init and, where the model has a decision, pylstm_decision_init with its own
 * settings, pylstm_listener_init and pylstm_listener_init_for_batch are given. */
#define {NAME}_FILE_SIZE {file_size}
{sizes}

#ifdef __cplusplus
extern "C" {{
#endif

/* The model, ready. The first call makes it, which takes milliseconds and 64 KiB of stack but
 * neither a file nor an allocation; later ones return the same, which is never destroyed. Any
 * thread may call; one that comes while another makes it gets NULL and PYLSTM_BUSY. NULL also where
 * PYLSTM_ISA asks for what cannot run, or the build lacks; why (may be NULL) says so. */
const pylstm_model *{name}_model(pylstm_error *why);

#ifdef __cplusplus
}}
#endif
#endif
"""


def _header(name: str, model: Model, file_size: int, sizes: list[tuple[str, int]]) -> str:
    major, minor, _ = (int(part) for part in _engine.version().split("."))
    facts = textwrap.wrap("; ".join(_facts(model)), 96, break_long_words=True)
    return _HEADER.format(
        about=f"{name}: a speech model in C.",
        facts="\n".join(f" * {line}" for line in facts),
        version=f"{major}.{minor}",
        number=100 * major + minor,
        name=name,
        NAME=name.upper(),
        sample_rate=model.sample_rate or 0,
        hop_length=model.hop_length or 0,
        n_features=model.n_features,
        n_outputs=model.n_outputs,
        file_size=file_size,
        sizes="\n".join(f"#define {name.upper()}_{what} {size}" for what, size in sizes),
    )


def _facts(model: Model) -> Iterator[str]:
    """Describes the model in words that cannot end a C comment."""
    yield f"features: {model.features.kind if model.features else 'none'}"
    yield f"layers: {', '.join(repr(layer) for layer in model.layers) or 'none'}"
    if model.labels is not None:
        yield f"outputs: {', '.join(_harmless(label) for label in model.labels)}"
    for key, value in model.info.items():
        yield f"{_harmless(key)}: {_harmless(value)}"


def _harmless(text: str) -> str:
    return re.sub("[^ -~]", "?", text).replace("*/", "* /").replace("/*", "/ *")


_SOURCE = """\
/* Made by `pylstm export`; not to be edited. See {header}. */
#include "{header}"

#include <string.h>

/* The bytes of the model file, eight in a word, the first of them the lowest. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BYTE(x, from, to) ((uint64_t)(x) >> (from) & 0xff) << (to)
#define W(x) \\
    (BYTE(x, 0, 56) | BYTE(x, 8, 48) | BYTE(x, 16, 40) | BYTE(x, 24, 32) | \\
     BYTE(x, 32, 24) | BYTE(x, 40, 16) | BYTE(x, 48, 8) | BYTE(x, 56, 0))
#else
#define W(x) x
#endif

static const _Alignas(PYLSTM_ALIGNMENT) uint64_t file[{n_words}] = {{
{words}
}};

static _Alignas(PYLSTM_ALIGNMENT) unsigned char memory[{NAME}_MODEL_SIZE];

/* Whether the model is made. The library has threads under the same macro. */
enum {{ NOT_MADE, BEING_MADE, MADE }};
#ifdef PYLSTM_NO_THREADS
static volatile int state = NOT_MADE;
static int begin_to_make(int *was) {{
    *was = state;
    if (*was == NOT_MADE)
        state = BEING_MADE;
    return *was == NOT_MADE;
}}
#else
#include <stdatomic.h>
#if ATOMIC_INT_LOCK_FREE != 2
#error "this processor has no atomics that never take a lock; expected -DPYLSTM_NO_THREADS"
#endif
static atomic_int state = NOT_MADE;
static int begin_to_make(int *was) {{
    *was = NOT_MADE;
    return atomic_compare_exchange_strong(&state, was, BEING_MADE);
}}
#endif

const pylstm_model *{name}_model(pylstm_error *why) {{
    static pylstm_model *model;
    int was;
    if (begin_to_make(&was)) {{
        const pylstm_status status =
            pylstm_model_init(memory, sizeof memory, file, {NAME}_FILE_SIZE, &model, why);
        state = status ? NOT_MADE : MADE;
        return status ? NULL : model;
    }}
    if (was == MADE)
        return model;
    if (why) {{
        why->status = PYLSTM_BUSY;
        strcpy(why->message, "another thread is making the model");
    }}
    return NULL;
}}
"""


def _source(name: str, header: str, model: Model, data: bytes) -> str:
    words = np.frombuffer(data + bytes(-len(data) % 8), "<u8").tolist()
    rows = (words[k : k + _WORDS_A_LINE] for k in range(0, len(words), _WORDS_A_LINE))
    lines = ["    " + ", ".join(f"W(0x{word:016x})" for word in row) + "," for row in rows]
    return _SOURCE.format(
        header=header, n_words=len(words), words="\n".join(lines), name=name, NAME=name.upper()
    )
