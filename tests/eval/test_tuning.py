"""`hetarag tune` over a small knowledge base on the real engines."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hetarag import HetaRAG
from hetarag.cli.tune import write_search
from hetarag.errors import ConfigError, InputError
from hetarag.eval.datasets import Question
from hetarag.eval.tuning import FEWEST, describe, markdown, tune
from hetarag.retrievers.reranking import link_ranker as ranker
from hetarag.testing.doubles import HashingEmbedder

SHIPS = [f"Ship{n}" for n in range(40)]


@pytest.fixture
def rag(
    write_jsonl: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HetaRAG]:
    monkeypatch.setenv("HETARAG_INGEST__ENTITIES", "rules")
    corpus = write_jsonl(
        *({"id": s, "title": s, "text": f"{s} was built by Yard{n} in {1800 + n}."}
          for n, s in enumerate(SHIPS)),
    )  # fmt: skip
    with HetaRAG.open(tmp_path / "kb", embedder=HashingEmbedder()) as opened:
        opened.ingest([corpus])
        yield opened


def question(number: int, *supporting: str) -> Question:
    text = f"Which ship was built by Yard{number}?"
    return Question(str(number), text, (), frozenset(supporting or (SHIPS[number],)))


def test_half_of_the_questions_choose_and_the_others_decide(rag: HetaRAG) -> None:
    doing: list[str] = []
    found = tune(rag, [question(n) for n in range(24)], watch=doing.append)
    assert (found.choosing, found.deciding) == (12, 12)
    scores = [tried.score for tried in found.tried]
    assert found.tried[0].changes == {} and len(scores) == len(doing) >= 10
    chosen = next(tried for tried in found.tried if tried.changes == found.changes)
    assert chosen.score == max(scores)
    settings = [describe(tried.changes) for tried in found.tried]
    assert len(set(settings)) == len(settings)
    assert "12 other questions" in markdown(found)


def test_what_is_as_good_already_stays(rag: HetaRAG) -> None:
    # Every document has one name of its own: each setting finds it first.
    found = tune(rag, [question(n) for n in range(FEWEST)])
    assert found.tried[0].score == 1.0
    assert found.changes == {}
    assert found.before == found.after
    assert found.difference["ndcg@10"].low == found.difference["ndcg@10"].high == 0.0
    assert not found.better


def test_a_ranker_that_is_wrong_here_is_left_out(
    rag: HetaRAG, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranker, "interpolate_with_fusion", lambda judged, plain, _weight: -plain)
    found = tune(rag, [question(n) for n in range(40)])
    assert found.changes["rerank"] == "none" and found.better
    assert found.after["recall@2"] > found.before["recall@2"]


def test_bad_questions_are_refused(rag: HetaRAG) -> None:
    with pytest.raises(InputError, match=f"3 questions .* tuning needs {FEWEST}"):
        tune(rag, [question(n) for n in range(3)])
    asked = [question(n) for n in range(FEWEST)] + [question(30, "Nowhere")]
    with pytest.raises(InputError, match="question 30: 'Nowhere' is not a document"):
        tune(rag, asked)


def test_settings_are_written_beside_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "hetarag.toml"
    file.write_text('# ours\n[ledger]\nurl = "embedded" # keep\n[search]\nk = 7\n')
    file.chmod(0o640)
    write_search(file, {"rerank": "none", "k": 9})
    assert "# ours" in file.read_text() and "# keep" in file.read_text()
    assert tomllib.loads(file.read_text())["search"] == {"k": 9, "rerank": "none"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    new = tmp_path / "new.toml"
    write_search(new, {"plain_weight": 2.0})
    assert tomllib.loads(new.read_text()) == {"search": {"plain_weight": 2.0}}
    file.write_text("not [toml")
    with pytest.raises(InputError, match="cannot be written"):
        write_search(file, {"k": 9})
    assert file.read_text() == "not [toml"


def test_the_weight_is_a_setting_of_each_search(rag: HetaRAG) -> None:
    text = question(3).text
    orders = [
        [e.id for e in rag.search(text, 20, settings={"plain_weight": w})] for w in (0, 1.5, 20)
    ]
    assert orders[0] != orders[2]
    assert [e.id for e in rag.search(text, 20)] == orders[1]
    for wrong in (-1, 21):
        with pytest.raises(ConfigError, match="plain_weight"):
            rag.search(text, settings={"plain_weight": wrong})
