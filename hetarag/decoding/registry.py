"""Decoding methods by name, as commands and settings write them.

A name may be followed by settings that differ from those it stands for, in brackets:
`lfd[layers=20:23,weight=0.5]`, `lfd-paper[score=jsd]`, `dola[layers=low]`, `cad[alpha=0.5]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from hetarag.decoding.confidence_gate import Unsure
from hetarag.decoding.settings import CAD, AdaCAD, DoLa, Greedy, LayerFusion, Method
from hetarag.errors import InputError

PAPER = LayerFusion()
"""The settings of arXiv 2508.19614, for reference."""

DEFAULT = LayerFusion(
    candidates="last", fuse_normed=True, weight=1.0, gate=Unsure(0.35), relative_top=0.7
)
"""What the product decodes with: where the model is unsure, the block before the last has a say, through
the final norm, among the tokens that come near the best one.

Chosen with three readers on questions apart from those that it is reported on (docs/decoding.md,
docs/notes/reading.md).
"""

NAMES: dict[type[Method], str] = {
    LayerFusion: "lfd",
    DoLa: "dola",
    CAD: "cad",
    AdaCAD: "adacad",
    Greedy: "greedy",
}
"""The name of each method in traces, commands and tables."""

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "lfd": DEFAULT,
        "lfd-paper": PAPER,
        "lfd-normed": LayerFusion(fuse_normed=True),
        "greedy": Greedy(),
        "dola": DoLa(),
        "cad": CAD(),
        "adacad": AdaCAD(),
    }
)
"""What each name stands for, the default first."""

_FORM = re.compile(r"([a-z-]+)(?:\[([^\[\]]*)\])?")


def base_name(name: str) -> str:
    """Return a method's name without its settings."""
    return name.partition("[")[0].strip()


def contrasts_contexts(name: str) -> bool:
    """Tell whether the method needs the prompt without its evidence beside the whole one."""
    return isinstance(METHODS.get(base_name(name)), CAD | AdaCAD)


def method_named(name: str) -> Method:
    """Return the settings that `name` stands for.

    Raises `InputError` for an unknown name or setting, or a value outside its range.
    """
    match = _FORM.fullmatch(name.strip())
    if match is None or match[1] not in METHODS:
        raise InputError(
            f"no decoding method {name!r}; there are {', '.join(METHODS)}, each with settings in "
            "brackets, such as lfd[layers=20:23,weight=0.5]"
        )
    method = METHODS[match[1]]
    given = dict(_setting(match[1], method, text) for text in (match[2] or "").split(",") if text)
    return replace(method, **given) if given else method


def split_names(text: str) -> list[str]:
    """Split names at the commas between them, not at those inside their brackets."""
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text) if name.strip()]


def _setting(base: str, method: Method, text: str) -> tuple[str, Any]:
    name, separator, value = (part.strip() for part in text.partition("="))
    field = _ALIASES.get(name, name)
    known = [f.name for f in fields(method) if f.name in _PARSERS]
    if field not in known or not separator or not value:
        shown = ", ".join("layers" if x == "candidates" else x for x in known) or "none"
        raise InputError(
            f"{base} has no setting {text.strip()!r}: write name=value; names: {shown}"
        )
    try:
        return field, _PARSERS[field](value)
    except InputError:  # a ValueError too, and it says more
        raise
    except ValueError as error:
        raise InputError(f"{base}: {name} cannot be {value!r}") from error


def _layers(text: str) -> str | tuple[int, ...] | range:
    """A name; a layer; several with +; or first:last, both included."""
    if not text[0].isdigit():
        return text
    if ":" in text:
        first, last = text.split(":")
        return range(int(first), int(last) + 1)
    return tuple(int(part) for part in text.split("+"))


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _gate(text: str) -> Unsure | None:
    return None if text == "none" else Unsure(float(text))


_ALIASES = {"layers": "candidates", "normed": "fuse_normed"}
_PARSERS: dict[str, Callable[[str], Any]] = {
    "score": str,
    "candidates": _layers,
    "fuse_normed": _flag,
    "relative_top": float,
    "select": str,
    "weight": float,
    "gate": _gate,
    "alpha": float,
}
"""Settings that can be written as text; a gate is one by the model's own probability, or none."""
