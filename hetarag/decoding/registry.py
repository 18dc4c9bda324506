"""Decoding methods by name, as commands and settings write them.

A name may be followed by settings that differ from those it stands for, in brackets:
`lfd[layers=20:23,weight=0.5]`, `lfd-paper[score=jsd]`, `dola[layers=low]`, `cad[alpha=0.5]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import Any

from hetarag.decoding.confidence_gate import Unsure
from hetarag.decoding.settings import CAD, AdaCAD, DoLa, Greedy, LayerFusion, Method
from hetarag.errors import InputError
from hetarag.plugins import PartTable

PAPER = LayerFusion()
"""The settings of arXiv 2508.19614, for reference."""

DEFAULT = LayerFusion(
    candidates="last", fuse_normed=True, weight=1.0, gate=Unsure(0.35), relative_top=0.7
)
"""What the product decodes with: where the model is unsure, the block before the last has a say, through
the final norm, among the tokens that come near the best one.

Chosen with three readers on questions apart from those that it is reported on (docs/research/decoding.md,
docs/research/notes/reading.md).
"""

NAMES: dict[type[Method], str] = {
    LayerFusion: "lfd",
    DoLa: "dola",
    CAD: "cad",
    AdaCAD: "adacad",
    Greedy: "greedy",
}
"""The name of each method in traces, commands and tables."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoding method: its settings, and "package.module:function" of what puts it to work.

    `settings` is a frozen dataclass of a type that no other method has. The function takes (model, settings,
    the prompt without its context or None, top) and returns a `hooks.Rule`; it may import torch.
    """

    settings: Any
    rule: str
    contrasts_contexts: bool = False
    """Whether it needs the prompt without its evidence beside the whole one."""

    def make_rule(self) -> Callable[[Any, Any, Any, int], Any]:
        """Return the function that puts it to work."""
        module, _, name = self.rule.partition(":")
        made: Callable[[Any, Any, Any, int], Any] = getattr(import_module(module), name)
        return made


_RULES = "hetarag.decoding.methods"
LFD = Decoder(DEFAULT, f"{_RULES}:layer_fusion_rule")
LFD_PAPER = Decoder(PAPER, f"{_RULES}:layer_fusion_rule")
LFD_NORMED = Decoder(LayerFusion(fuse_normed=True), f"{_RULES}:layer_fusion_rule")
GREEDY = Decoder(Greedy(), f"{_RULES}:greedy_rule")
DOLA = Decoder(DoLa(), f"{_RULES}:dola_rule")
CONTEXT_AWARE = Decoder(CAD(), "hetarag.decoding.context_aware:ContextRule", True)
ADAPTIVE = Decoder(AdaCAD(), "hetarag.decoding.context_aware:ContextRule", True)

DECODERS = PartTable(
    "decoders",
    {
        "lfd": f"{__name__}:LFD",
        "lfd-paper": f"{__name__}:LFD_PAPER",
        "lfd-normed": f"{__name__}:LFD_NORMED",
        "greedy": f"{__name__}:GREEDY",
        "dola": f"{__name__}:DOLA",
        "cad": f"{__name__}:CONTEXT_AWARE",
        "adacad": f"{__name__}:ADAPTIVE",
    },
    "decoding method",
)
"""What each name stands for, the default first; entry points of `hetarag.decoders` name a `Decoder`."""

_FORM = re.compile(r"([a-z-]+)(?:\[([^\[\]]*)\])?")


def base_name(name: str) -> str:
    """Return a method's name without its settings."""
    return name.partition("[")[0].strip()


def decoder_named(name: str) -> Decoder:
    """Return the decoder of this name, without settings in brackets; `ConfigError` for none."""
    found: Decoder = DECODERS.load(name)
    return found


def decoder_of(method: Any) -> tuple[str, Decoder] | None:
    """Return the name and the decoder whose settings are of this method's type; None for no settings."""
    for own in NAMES.items():
        if own[0] is type(method):
            return own[1], decoder_named(own[1])
    for name in DECODERS.declared():
        found = decoder_named(name)
        if type(found.settings) is type(method):
            return name, found
    return None


def name_of(method: Any) -> str:
    """Return the name of a method in traces; "" for what is no method's settings."""
    found = decoder_of(method)
    return found[0] if found else ""


def contrasts_contexts(name: str) -> bool:
    """Tell whether the method needs the prompt without its evidence beside the whole one."""
    base = base_name(name)
    return base in DECODERS and decoder_named(base).contrasts_contexts


def method_named(name: str) -> Method:
    """Return the settings that `name` stands for.

    Raises `InputError` for an unknown name or setting, or a value outside its range.
    """
    match = _FORM.fullmatch(name.strip())
    if match is None or match[1] not in DECODERS:
        raise InputError(
            f"no decoding method {name!r}; there are {', '.join(DECODERS.names())}, each with settings in "
            "brackets, such as lfd[layers=20:23,weight=0.5]"
        )
    method: Method = decoder_named(match[1]).settings
    given = dict(_setting(match[1], method, text) for text in (match[2] or "").split(",") if text)
    return replace(method, **given) if given else method


def split_names(text: str) -> list[str]:
    """Split names at the commas between them, not at those inside their brackets."""
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text) if name.strip()]


def _setting(base: str, method: Method, text: str) -> tuple[str, Any]:
    name, separator, value = (part.strip() for part in text.partition("="))
    field = _ALIASES.get(name, name)
    known = [f.name for f in fields(method) if _parser(method, f.name) is not None]
    if field not in known or not separator or not value:
        shown = ", ".join("layers" if x == "candidates" else x for x in known) or "none"
        raise InputError(
            f"{base} has no setting {text.strip()!r}: write name=value; names: {shown}"
        )
    try:
        parse = _parser(method, field) or str
        return field, parse(value)
    except InputError:  # a ValueError too, and it says more
        raise
    except ValueError as error:
        raise InputError(f"{base}: {name} cannot be {value!r}") from error


def _parser(method: Any, field: str) -> Callable[[str], Any] | None:
    """What reads a setting: of hetarag's own methods those listed, of others by the value's type."""
    if type(method) in NAMES:
        return _PARSERS.get(field)
    kind = type(getattr(method, field))
    return _flag if kind is bool else kind if kind in (int, float, str) else None


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
    "weight": float,
    "gate": _gate,
    "alpha": float,
}
"""Settings that can be written as text; a gate is one by the model's own probability, or none."""
