"""What leads to what, and what a passage gains by it: a table of players and a list of keepers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetarag.retrievers.reranking.features import Candidates
from hetarag.retrievers.reranking.link_following import Asked, Reached, Step
from hetarag.retrievers.reranking.support import boost_sources, support_shares
from hetarag.testing.doubles import evidence
from hetarag.types import Link, Query

QUESTION = "Which club did the goalkeeper of the 1950 squad come from?"
IDS = ["table", "list", "player", "keeper"]
JUDGED = [("player", 0.6), ("keeper", 0.5), ("table", 0.2), ("list", 0.1)]


def way(source: str, cosine: float) -> Reached:
    link = Link(source, "name", "Name", 0, {"player": True, "keeper": True})
    step = Step(link, 1.0, 0.5, 0.5, 0, "club Name")
    return Reached(cosine, cosine, True, step, cosine)


def candidates(**reached: list[Reached]) -> Candidates:
    passages = {i: evidence(i, i.title(), "A squad.") for i in IDS}
    return Candidates(
        query=Query(QUESTION),
        asked=Asked(QUESTION, passages),
        ids=IDS,
        fused={},
        lists={},
        passages=passages,
        vectors={},
        reached=reached,
        parts={},
    )


def test_sources_share_what_they_lead_to_by_their_best_links() -> None:
    found = candidates(player=[way("table", 0.6), way("list", 0.2), way("table", 0.1)])
    assert support_shares(found) == {"player": pytest.approx({"table": 0.75, "list": 0.25})}


def test_a_cosine_below_zero_is_no_negative_share() -> None:
    found = candidates(player=[way("table", 0.5), way("list", -0.5)], keeper=[way("list", -0.1)])
    shares = support_shares(found)
    assert shares["player"] == pytest.approx({"table": 1, "list": 0}, abs=1e-4)
    assert shares["keeper"] == pytest.approx({"list": 0}, abs=1e-4)


def test_what_the_question_finds_by_itself_says_nothing_of_its_source() -> None:
    found = candidates(player=[way("table", 0.6)], keeper=[way("table", 0.6)])
    near = np.array([0.4, 0.0], np.float32)
    vectors = {"player": near, "keeper": np.array([0.9, 0.0], np.float32)}
    asked = replace(found.query, vector=np.array([1.0, 0.0], np.float32))
    shares = support_shares(replace(found, query=asked, vectors=vectors))
    assert shares == {"player": pytest.approx({"table": 3 * (0.6 - 0.4)})}


def test_what_is_no_candidate_and_pieces_of_one_document_lead_nowhere() -> None:
    found = candidates(player=[way("gone", 0.9)], keeper=[way("player", 0.9)])
    assert support_shares(found) == {"keeper": {"player": 1.0}}
    keeper = replace(found.passages["keeper"], document_id="player")
    assert not support_shares(replace(found, passages={**found.passages, "keeper": keeper}))


def test_what_leads_to_the_likely_becomes_likely() -> None:
    shares = support_shares(candidates(player=[way("table", 0.7)], keeper=[way("table", 0.4)]))
    after = boost_sources(JUDGED, shares, 2)
    assert [i for i, _ in after] == ["table", "player", "keeper", "list"]
    by = 2 * (0.6 + 0.5)
    odds = 0.2 / 0.8 * math.exp(by)
    assert dict(after)["table"] == pytest.approx(odds / (1 + odds))
    assert {i: p for i, p in after if i != "table"} == {i: p for i, p in JUDGED if i != "table"}


def test_what_two_lead_to_counts_for_each_in_part() -> None:
    both = {"player": {"table": 0.5, "list": 0.5}}
    alone = {"player": {"table": 1.0}}
    assert (
        dict(boost_sources(JUDGED, both, 2))["table"]
        < dict(boost_sources(JUDGED, alone, 2))["table"]
    )


def test_a_weight_of_0_changes_nothing() -> None:
    assert boost_sources(JUDGED, {"player": {"table": 1.0}}, 0) == JUDGED
    assert boost_sources(JUDGED[::-1], {}, 1) == JUDGED[::-1]


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.dictionaries(
        st.integers(0, 29), st.dictionaries(st.integers(0, 29), st.floats(0, 1), max_size=5)
    ),
    st.floats(0, 20),
)
def test_all_pieces_stay_and_none_loses(
    judged: list[float], leads: dict[int, dict[int, float]], weight: float
) -> None:
    ranked = sorted(((f"p{n:02}", p) for n, p in enumerate(judged)), key=lambda x: (-x[1], x[0]))
    named = {f"p{t:02}": {f"p{s:02}": p for s, p in of.items()} for t, of in leads.items()}
    after = boost_sources(ranked, named, weight)
    assert sorted(i for i, _ in after) == sorted(i for i, _ in ranked)
    before = dict(ranked)
    assert all(before[i] - 1e-6 <= p <= 1 for i, p in after)
    assert [p for _, p in after] == sorted((p for _, p in after), reverse=True)
