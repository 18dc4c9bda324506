"""Settings of earlier versions: what is said of them, until 0.3.0.

A setting that was cut is ignored with a warning at the value that it had by default, and refused with what to do
at any other; one that was renamed is refused with its new name.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from hetarag.errors import ConfigError


class Cut(NamedTuple):
    """A setting that is gone: its default, and what to do in its place."""

    default: Any
    instead: str


CUT: Mapping[str, Cut] = {
    "search.decompose": Cut("none", "ask the questions on the way by themselves, with `search`"),
    "search.decompose_below": Cut(0.8, "leave it out: nothing is decomposed any more"),
    "search.ranker": Cut(None, "give the file of trees to HetaRAG.open(ranker=…)"),
}
RENAMED: Mapping[str, str] = {"reader.evidence": "reader.evidence_k"}
CUT_VALUES: Mapping[tuple[str, str], str] = {
    ("search.fusion", "learned"): 'leave it out: "rrf" with the link ranker finds more',
}


def without_retired(values: Mapping[str, Any], section: str, source: str) -> dict[str, Any]:
    """Return the values of a section without those of settings that were cut, at their defaults.

    Raises:
        ConfigError: one has another value, or is called something else now.
    """
    kept = {}
    for key, value in values.items():
        name = f"{section}.{key}"
        if name in RENAMED:
            raise ConfigError(f"{source}: the setting {name!r} is called {RENAMED[name]!r} now")
        if isinstance(value, str) and (name, value) in CUT_VALUES:
            raise ConfigError(
                f"{source}: {name} = {value!r} is no longer there: {CUT_VALUES[name, value]}"
            )
        if name not in CUT:
            kept[key] = value
            continue
        cut = CUT[name]
        if not _same(value, cut.default):
            raise ConfigError(f"{source}: the setting {name!r} is no longer there: {cut.instead}")
        warnings.warn(
            f"{source}: the setting {name!r} is no longer there and is ignored: remove it",
            FutureWarning,
            stacklevel=3,
        )
    return kept


def _same(value: Any, default: Any) -> bool:
    """Tell whether a value, which an environment variable has as text, is the default."""
    if default is None:
        return value is None or value == ""
    if isinstance(default, float):
        try:
            return float(value) == default
        except (TypeError, ValueError):
            return False
    return bool(value == default)
