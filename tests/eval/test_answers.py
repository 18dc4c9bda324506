"""`bench qa` on a reader that says what it is told, and resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hetarag import HetaRAG
from hetarag.answering.citations import NOT_IN_SOURCES
from hetarag.errors import InputError
from hetarag.eval import answers
from hetarag.eval.datasets import Passage
from hetarag.eval.plots import draw
from hetarag.eval.qa_tasks import as_evidence
from hetarag.protocols import BatchReader, Conversation, Reader
from hetarag.types import ReadTrace, TokenStep


class Copyist(Reader):
    """Answers with a word of the last source, or, as "loud", with that word in capitals."""

    name = "copyist"

    def __init__(self) -> None:
        self.asked = 0

    def decoders(self) -> Sequence[str]:
        return ("greedy", "lfd")

    def read(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        decoder: str,
        max_new_tokens: int,
        messages_without_context: Sequence[Mapping[str, str]] = (),
    ) -> Iterator[TokenStep | ReadTrace]:
        self.asked += 1
        word = "Archer" if "Archer" in messages[-1]["content"] else "Nobody"
        step = TokenStep(word if decoder == "greedy" else "Fram", layer=3, iks=(0.5,), changed=True)
        yield step
        yield ReadTrace(
            self.name, decoder, answer_tokens=1, tokens=(step,), layers=(3,), candidates=(3,)
        )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    corpus, questions = tmp_path / "ships" / "corpus.jsonl", tmp_path / "questions.jsonl"
    corpus.parent.mkdir()
    corpus.write_text(
        json.dumps({"id": "fram", "title": "Fram", "text": "Archer drew the Fram."})
        + "\n"
        + json.dumps({"id": "gauss", "title": "Gauss", "text": "Drygalski led the Gauss."})
    )
    lines: list[dict[str, Any]] = [
        {"id": "1", "question": "Who drew the Fram?", "answers": ["Archer"], "supporting_ids": ["fram"]},
        {"id": "2", "question": "Who led the Gauss?", "answers": ["Drygalski"], "supporting_ids": ["gauss"]},
    ]  # fmt: skip
    questions.write_text("\n".join(json.dumps(line) for line in lines))
    return corpus, questions


@pytest.fixture
def copyist(monkeypatch: pytest.MonkeyPatch) -> Copyist:
    reader = Copyist()
    monkeypatch.setattr(answers, "make_reader", lambda *_, **__: reader)
    return reader


def bench(files: tuple[Path, Path], run: Path, **options: Any) -> list[dict[str, Any]]:
    defaults: dict[str, Any] = {
        "evidence": "gold", "distractors": 0, "conflict": False, "decoders": ["greedy", "lfd"],
        "reader": None, "kb": run.parent / "kb", "limit": None, "skip": 0, "config": None,
    }  # fmt: skip
    return answers.bench_answers(corpus=files[0], questions=files[1], run=run, **defaults | options)


def test_decoders_are_compared_on_the_same_questions(
    files: tuple[Path, Path], copyist: Copyist, tmp_path: Path
) -> None:
    rows = bench(files, tmp_path / "run")
    assert [row["em"] for row in rows] == [0.5, 0.0]
    assert rows[1]["gap"].mean == -0.5
    assert rows[1]["p"] == 1.0
    assert "−0.5" in answers.markdown(rows).replace("-", "−")
    lines = [json.loads(x) for x in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    assert [(x["id"], x["decoder"], x["em"]) for x in lines] == [
        ("1", "greedy", 1.0), ("1", "lfd", 0.0), ("2", "greedy", 0.0), ("2", "lfd", 0.0),
    ]  # fmt: skip
    assert lines[0]["layers"] == [3] and lines[0]["iks"] == [[0.5]] and lines[0]["changed"] == [0]


def test_a_run_goes_on_where_it_was_cut_off(
    files: tuple[Path, Path], copyist: Copyist, tmp_path: Path
) -> None:
    whole = bench(files, tmp_path / "run")
    path = tmp_path / "run" / "results.jsonl"
    kept = path.read_text().splitlines(keepends=True)
    path.write_text("".join(kept[:3]) + kept[3][:20])
    copyist.asked = 0
    assert bench(files, tmp_path / "run") == whole
    assert copyist.asked == 1
    assert bench(files, tmp_path / "run") == whole  # the cut line does no harm later either
    assert copyist.asked == 1


class BatchCopyist(Copyist, BatchReader):
    """Copies for many at once, and counts how often it was asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def read_batch(
        self,
        conversations: Sequence[Conversation],
        *,
        decoder: str,
        max_new_tokens: int,
        conversations_without_context: Sequence[Conversation] = (),
    ) -> list[ReadTrace]:
        self.batches.append(len(conversations))
        assert len(conversations_without_context) == (
            len(conversations) if decoder == "adacad" else 0
        )
        traces = []
        for messages in conversations:
            *_, trace = self.read(messages, decoder=decoder, max_new_tokens=max_new_tokens)
            assert isinstance(trace, ReadTrace)
            traces.append(trace)
        return traces


def test_questions_are_read_in_batches(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(answers, "make_reader", lambda *_, **__: Copyist())
    alone = bench(files, tmp_path / "alone")
    reader = BatchCopyist()
    monkeypatch.setattr(answers, "make_reader", lambda *_, **__: reader)
    assert bench(files, tmp_path / "run", batch=8) == alone
    assert reader.batches == [2, 2]
    path = tmp_path / "run" / "results.jsonl"
    kept = path.read_text().splitlines(keepends=True)
    path.write_text("".join(kept[:3]))  # the last of four is to be read again, alone
    assert bench(files, tmp_path / "run", batch=8) == alone
    assert reader.batches == [2, 2]
    assert reader.asked == 5
    twice = files[1].read_text() + "\n" + files[1].read_text()
    files[1].write_text(twice)
    rows = bench(files, tmp_path / "twice", batch=8)
    assert rows[0]["questions"] == 2
    assert len((tmp_path / "twice" / "results.jsonl").read_text().splitlines()) == 4


def test_a_batch_answers_in_order_with_and_without_evidence(tmp_path: Path) -> None:
    reader = BatchCopyist()
    passages = [Passage("fram", "Fram", "Archer drew the Fram."), Passage("x", "X", "Of nobody.")]
    fram, other = ([as_evidence(p)] for p in passages)
    asked = [("Who drew the Fram?", fram), ("Who is nowhere?", []), ("Who is this?", other)]
    with HetaRAG.open(tmp_path / "kb", reader=reader) as rag:
        found = rag.read_batch(asked, decoder="greedy")
        assert [a.question for a in found] == [question for question, _ in asked]
        assert [a.text for a in found] == ["Archer [1]", NOT_IN_SOURCES, "Nobody [1]"]
        assert found == tuple(rag.read(q, e, decoder="greedy") for q, e in asked)
        assert reader.batches == [2]
        assert rag.read_batch([]) == ()
        unread = rag.read_batch(asked[1:2], decoder="beam")  # nobody is asked
        assert unread[0].text == NOT_IN_SOURCES
        with pytest.raises(InputError, match="no decoder 'beam'"):
            rag.read_batch(asked, decoder="beam")


def test_another_plan_needs_another_folder(
    files: tuple[Path, Path], copyist: Copyist, tmp_path: Path
) -> None:
    bench(files, tmp_path / "run")
    with pytest.raises(InputError, match="give another --run"):
        bench(files, tmp_path / "run", conflict=True)
    with pytest.raises(InputError, match="gold or plane"):
        bench(files, tmp_path / "other", evidence="none")


def test_under_conflict_memory_is_told_from_the_passage(
    files: tuple[Path, Path], copyist: Copyist, tmp_path: Path
) -> None:
    rows = bench(files, tmp_path / "run", conflict=True, decoders=["greedy"])
    # Each gold passage now names the other question's answer, and the copyist reads it.
    assert rows[0]["em"] == 0.5
    assert rows[0]["memory"] == 0.0


def test_runs_are_pooled_by_the_questions_that_all_decoders_answered(
    files: tuple[Path, Path], copyist: Copyist, tmp_path: Path
) -> None:
    bench(files, tmp_path / "gold", decoders=["greedy", "lfd", "lfd[layers=3]"])
    bench(files, tmp_path / "conflict", conflict=True)
    with (tmp_path / "conflict" / "results.jsonl").open("a") as file:
        file.write(json.dumps({"id": "3", "decoder": "greedy", "em": 1.0}) + "\n")
    rows = answers.pooled([tmp_path / "gold", tmp_path / "conflict"])
    assert [(row["decoder"], row["questions"], row["em"]) for row in rows] == [
        ("greedy", 4, 0.5), ("lfd", 4, 0.0),
    ]  # fmt: skip
    assert rows[1]["gap"].mean == -0.5
    bench(files, tmp_path / "other", decoders=["lfd[layers=3]"])
    with pytest.raises(InputError, match="no decoder"):
        answers.pooled([tmp_path / "conflict", tmp_path / "other"])


def test_figures_are_drawn_from_runs(
    files: tuple[Path, Path], copyist: Copyist, tmp_path: Path
) -> None:
    decoders = ["greedy", "lfd", "lfd[layers=3]", "lfd[layers=4]"]
    bench(files, tmp_path / "run", decoders=decoders)
    written = draw([tmp_path / "run"], tmp_path / "figures")
    assert [path.stem for path in written] == [
        "accuracy-by-layer", "iks-by-layer-and-step", "layers-chosen", "tokens-changed",
    ]  # fmt: skip
    first = [path.read_bytes() for path in written]
    assert first == [p.read_bytes() for p in draw([tmp_path / "run"], tmp_path / "figures")]
    with pytest.raises(InputError, match=r"no results\.jsonl"):
        draw([tmp_path], tmp_path / "figures")
