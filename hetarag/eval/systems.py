"""What `hetarag bench retrieval` compares: the plane, each store alone, and the plane less one part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hetarag.config import Settings
from hetarag.errors import InputError
from hetarag.retrievers import FUSIONS

System = Mapping[str, Any]
"""How a search differs from the default one: arguments of `HetaRAG.search`."""

PLANE = "plane"
RRF = "vector + fulltext, RRF"

PLAIN: Mapping[str, Any] = {"router": "all", "rerank": "none", "hops": False}
"""Search settings of a fusion alone: no router, no hops, no ranker."""

_LABELS = {"rrf": "RRF", "convex": "convex"}


def systems_for(settings: Settings) -> dict[str, System]:
    """Return name → search of every system that this knowledge base can run.

    Stores that it does not have are left out; each fusion that the settings allow is tried, within
    the plane and without router, hops and ranker.
    """
    names = list(settings.stores.named())
    found: dict[str, System] = {PLANE: {}}
    found |= {f"{name} alone": {"stores": (name,)} for name in names}
    if {"vector", "fulltext"} <= set(names):
        plain = {**PLAIN, "fusion": "rrf"}
        found[RRF] = {"stores": ("vector", "fulltext"), "settings": plain}
    fusions = FUSIONS.names()
    for fusion in fusions:
        plain = {**PLAIN, "fusion": fusion}
        found[f"all stores, plain {_label(fusion)}"] = {"settings": plain}
    if len(names) > 1:
        for name in names:
            rest = tuple(other for other in names if other != name)
            found[f"plane without {name}"] = {"stores": rest}
    found["plane without link ranker"] = {"settings": {"rerank": "none"}}
    found["plane without hops and ranker"] = {"settings": {"hops": False, "rerank": "none"}}
    found["plane without router"] = {"settings": {"router": "all"}}
    found["plane without source weight"] = {"settings": {"source_weight": 0.0}}
    if settings.search.cross_encoder != "none":
        found["plane without cross-encoder"] = {"settings": {"cross_encoder": "none"}}
    for fusion in fusions:
        if fusion != settings.search.fusion:
            found[f"plane, {_label(fusion)} fusion"] = {"settings": {"fusion": fusion}}
    return found


def choose(known: Mapping[str, System], names: str | None, baseline: str | None) -> list[str]:
    """Return the names in `names` (with commas; None: all), the baseline among them.

    Names may have commas of their own: the longest name that fits is taken. Raises `InputError` for
    a name that is not known.
    """
    chosen = list(known) if names is None else _split(names, known)
    if baseline is not None and baseline not in known:
        raise InputError(f"--baseline {baseline!r} is not known; known are: {'; '.join(known)}")
    return chosen if baseline is None else list(dict.fromkeys([*chosen, baseline]))


def _split(text: str, known: Mapping[str, System]) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    found: list[str] = []
    at = 0
    while at < len(parts):
        for end in range(len(parts), at, -1):
            if (name := ", ".join(parts[at:end])) in known:
                found.append(name)
                at = end
                break
        else:
            raise InputError(
                f"--systems: {parts[at]!r} is not known; known are: {'; '.join(known)}"
            )
    return list(dict.fromkeys(found))


def _label(fusion: str) -> str:
    return _LABELS.get(fusion, fusion)
