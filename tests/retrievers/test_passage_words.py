"""Words of passages that are read once and kept."""

from __future__ import annotations

from hetarag.retrievers.reranking.passage_words import WordCache
from hetarag.retrievers.reranking.relation_words import relations
from hetarag.types import RankedEvidence


def passage(
    identifier: str, text: str = "He was born in Larvik. He built boats."
) -> RankedEvidence:
    return RankedEvidence(
        identifier, "chunk", "d", "d", "c", "Colin Archer (builder)", text, 0.0,
        start=100, end=100 + len(text), sentences=((100, 122), (123, 138)),
    )  # fmt: skip


def test_words_of_text_title_and_sentences() -> None:
    found = WordCache().read({"a": passage("a")})["a"]
    assert set(found.text) == {"colin", "archer", "builder", "born", "larvik", "built", "boat"}
    assert set(found.title) == {"colin", "archer", "builder"}
    assert found.names == {"colin archer builder", "colin archer"}
    (born, states), (built, nothing) = found.sentences(passage("a"))
    assert set(born) == {"born", "larvik"} and set(built) == {"built", "boat"}
    assert states == found.relations == relations(["born"]) and not nothing


def test_a_cache_keeps_no_more_than_it_may_and_what_was_met_last() -> None:
    cache = WordCache(most=3)
    first = cache.read({i: passage(i) for i in "abc"})
    assert cache.read({"a": passage("a")})["a"] is first["a"]
    cache.read({"d": passage("d")})
    assert len(cache) == 3
    again = cache.read({i: passage(i) for i in "acd"})
    assert again["a"] is first["a"] and again["c"] is first["c"]
    assert cache.read({"b": passage("b")})["b"] is not first["b"]
    assert cache.read({i: passage(i) for i in "abcdefgh"}).keys() == set("abcdefgh")
    assert len(cache) == 3
