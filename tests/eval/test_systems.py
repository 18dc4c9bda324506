"""Which systems a knowledge base can run, and how they are named."""

from __future__ import annotations

import pytest

from hetarag.config import validate_settings
from hetarag.errors import InputError
from hetarag.eval.systems import PLANE, RRF, choose, systems_for

KNOWN = systems_for(validate_settings({}, "test"))


def test_every_store_and_part_is_left_out_once() -> None:
    for kind in ("vector", "fulltext", "graph", "sql"):
        assert KNOWN[f"{kind} alone"] == {"stores": (kind,)}
        assert kind not in KNOWN[f"plane without {kind}"]["stores"]
        assert len(KNOWN[f"plane without {kind}"]["stores"]) == 3
    assert {
        "plane without hops and ranker",
        "plane without router",
        "plane without link ranker",
    } <= set(KNOWN)
    assert {"all stores, plain RRF", "all stores, plain convex", "plane, convex fusion"} <= set(KNOWN)  # fmt: skip
    assert "plane, RRF fusion" not in KNOWN  # it is the plane


def test_stores_that_are_not_there_are_not_run() -> None:
    known = systems_for(validate_settings({"stores": {"sql": "none", "fulltext": "none"}}, "test"))
    assert not any("sql" in name or "fulltext" in name for name in known)
    assert known["plane without graph"] == {"stores": ("vector",)}


def test_names_may_have_commas_of_their_own() -> None:
    assert choose(KNOWN, None, None) == list(KNOWN)
    assert choose(KNOWN, f"{PLANE}, {RRF},vector alone", None) == [PLANE, RRF, "vector alone"]
    assert choose(KNOWN, "plane,plane, convex fusion", None) == [PLANE, "plane, convex fusion"]
    assert choose(KNOWN, "vector alone", RRF) == ["vector alone", RRF]
    assert choose(KNOWN, PLANE, PLANE) == [PLANE]


@pytest.mark.parametrize(
    ("names", "baseline", "message"),
    [
        ("plane,vektor alone", None, "--systems: 'vektor alone' is not known; known are: plane;"),
        ("", None, "--systems: '' is not known"),
        (None, "bm25", "--baseline 'bm25' is not known"),
    ],
)
def test_unknown_names_are_refused(names: str | None, baseline: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose(KNOWN, names, baseline)
