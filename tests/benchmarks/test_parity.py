"""`python -m benchmarks parity`: what counts as the same ranking, and a small corpus on real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import parity
from benchmarks.parity import Key, same_ranking
from hetarag.errors import InputError
from hetarag.testing.doubles import HashingEmbedder
from tests.servers.running import database_server, neo4j_server


def ranking(*scores: tuple[str, float]) -> dict[Key, float]:
    return {(name, "text", 0, None, None): score for name, score in scores}


AB = ranking(("a", 2.0), ("b", 1.0))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (AB, AB, True),
        ({}, {}, True),
        (AB, {}, False),
        (AB, ranking(("b", 2.0), ("a", 1.0)), False),
        (ranking(("a", 1.0), ("b", 1.0)), ranking(("b", 1.0), ("a", 1.0)), True),
        (AB, ranking(("a", 2.0), ("c", 1.0)), True),  # equals of the last may lie below the end
        (AB, ranking(("c", 2.0), ("b", 1.0)), False),
        (ranking(("a", 1.0), ("b", 1.0)), ranking(("a", 2.0), ("b", 1.0)), True),
    ],
)
def test_rankings_are_the_same_where_only_equal_scores_change_places(
    one: dict[Key, float], other: dict[Key, float], same: bool
) -> None:
    assert same_ranking(one, other) is same
    assert same_ranking(other, one) is same


def test_settings_without_a_server_have_nothing_to_compare(tmp_path: Path) -> None:
    config = tmp_path / "embedded.toml"
    config.write_text('[stores]\nvector = "none"\n')
    with pytest.raises(InputError, match="no store of the settings is on a server"):
        parity.measure_parity(corpus=config, questions=config, config=config, folder=tmp_path)


@pytest.mark.slow
def test_a_small_corpus_on_servers(
    write_jsonl: Callable[..., Path], tmp_path: Path, elasticsearch_address: str
) -> None:
    postgresql = database_server("postgresql")
    corpus = write_jsonl(
        {"id": "fram", "title": "Fram", "text": "Colin Archer designed the Fram."},
        {"id": "archer", "title": "Colin Archer", "text": "He was born in Larvik."},
        {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel."},
    )
    questions = write_jsonl(
        {"id": "1", "question": "Who designed the Fram?", "supporting_ids": ["fram"]},
        {"id": "2", "question": "Where was Colin Archer born?", "supporting_ids": ["archer"]},
        name="questions.jsonl",
    )
    table = tmp_path / "ships.csv"
    table.write_text("ship,yard\nFram,Larvik\nGauss,Kiel\n")
    asked = write_jsonl({"id": "3", "question": "Which yard built the Gauss?"}, name="tables.jsonl")
    config = tmp_path / "servers.toml"
    config.write_text(
        f"""
        [ledger]
        url = "{postgresql.new_database()}"
        [stores]
        vector = "qdrant+local://"
        fulltext = "{elasticsearch_address}"
        graph = "{neo4j_server().url}"
        sql = "{postgresql.new_database()}"
        [ingest]
        entities = "rules"
        """
    )
    done = parity.measure_parity(
        corpus=corpus,
        questions=questions,
        config=config,
        folder=tmp_path / "both",
        tables=table,
        table_questions=asked,
        stems=True,
        embedder=HashingEmbedder(),
    )
    rows = {row["store"]: row for row in map(parity.row_of, done.stores)}
    assert rows.keys() == {"vector", "fulltext", "graph", "sql"}
    for kind in ("vector", "graph", "sql"):
        assert (rows[kind]["equal first tens"], rows[kind]["without a hit"]) == (1.0, 0)
    assert rows["fulltext"]["overlap@10"] == 1.0
    assert done.stems == (1.0, 1.0)
    assert [row["recall@5"] for row in parity.plane_rows(done.plane)] == [1.0, 1.0]
