"""Published files of each form, made small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hetarag.errors import InputError
from hetarag.eval.datasets import read_corpus, read_questions
from hetarag.eval.official import load_official, write_dataset


def as_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def as_lines(path: Path, *values: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


HOTPOT = [
    {
        "_id": "a", "question": "Who?", "answer": "Ann", "type": "bridge",
        "supporting_facts": [["Fram", 0], ["Gjøa", 1]],
        "context": [["Fram", ["A ship. ", " Built in 1892."]], ["Gjøa", ["A sloop."]], ["Gauss", ["No."]]],
    },
    {
        "_id": "b", "question": "When?", "answer": "1892", "type": "comparison",
        "supporting_facts": [["Fram", 0]],
        "context": [["Fram", ["A ship. ", " Built in 1892."]], ["Gauss", ["Another text."]]],
    },
]  # fmt: skip


def test_hotpotqa_and_2wiki(tmp_path: Path) -> None:
    corpus, questions = load_official(as_json(tmp_path / "dev.json", HOTPOT))
    assert [p.title for p in corpus] == ["Fram", "Gjøa", "Gauss", "Gauss"]
    assert len({p.id for p in corpus}) == 4
    assert corpus[0].text == "A ship. Built in 1892."
    assert questions[0].supporting == {"Fram", "Gjøa"}
    assert (questions[1].answers, questions[1].type) == (("1892",), "comparison")


def test_musique(tmp_path: Path) -> None:
    line = {
        "id": "2hop__1_2", "question": "Who?", "answer": "Ann", "answer_aliases": ["Anna", "Ann"],
        "answerable": True,
        "paragraphs": [
            {"idx": 0, "title": "Fram", "paragraph_text": "A ship.", "is_supporting": True},
            {"idx": 1, "title": "Fram", "paragraph_text": "A village.", "is_supporting": False},
        ],
    }  # fmt: skip
    path = as_lines(tmp_path / "dev.jsonl", line, {**line, "id": "x", "answerable": False})
    corpus, questions = load_official(path)
    assert len(corpus) == 2
    (question,) = questions
    assert question.answers == ("Ann", "Anna")
    assert question.supporting == {corpus[0].id}
    assert question.type == "2hop"


def test_multihop_rag(tmp_path: Path) -> None:
    as_json(
        tmp_path / "corpus.json",
        [{"title": "One", "url": "u1", "body": "text"}, {"title": "Two", "url": "u2", "body": "x"}],
    )
    path = as_json(
        tmp_path / "MultiHopRAG.json",
        [{"query": "?", "answer": "Yes", "question_type": "inference_query",
          "evidence_list": [{"title": "Two", "url": "u2", "fact": "x"}]}],
    )  # fmt: skip
    corpus, questions = load_official(path)
    assert [p.id for p in corpus] == ["One", "Two"]
    assert questions[0].supporting == {"Two"}
    assert questions[0].type == "inference_query"


def test_beir(tmp_path: Path) -> None:
    as_lines(tmp_path / "corpus.jsonl", {"_id": "d1", "title": "t", "text": "x"}, {"_id": "d2", "text": "y"})  # fmt: skip
    as_lines(tmp_path / "queries.jsonl", {"_id": "q1", "text": "?"}, {"_id": "q2", "text": "!"})
    (tmp_path / "qrels").mkdir()
    qrels = tmp_path / "qrels" / "test.tsv"
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\nq1\td1\t0\n")
    corpus, questions = load_official(tmp_path)
    assert [p.id for p in corpus] == ["d1", "d2"]
    assert [(q.id, q.supporting) for q in questions] == [("q1", {"d2"})]
    with pytest.raises(InputError, match=r"dev\.tsv: cannot be read"):
        load_official(tmp_path, "dev")
    qrels.write_text("query-id\tcorpus-id\tscore\nq9\td2\t1\n")
    with pytest.raises(InputError, match="'q9' is not in queries"):
        load_official(tmp_path)


def test_what_is_written_is_what_benchmarks_read(tmp_path: Path) -> None:
    loaded = load_official(as_json(tmp_path / "dev.json", HOTPOT))
    write_dataset(loaded, tmp_path / "out")
    assert read_corpus(tmp_path / "out" / "corpus.jsonl") == loaded[0]
    assert read_questions(tmp_path / "out" / "questions.jsonl") == loaded[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no objects"),
        ("[1, 2]", "no objects"),
        ('{"a": 1}\n{', "neither a JSON list nor JSON Lines"),
        ('{"a": 1}', "in none of the known forms"),
        ('[{"context": [], "supporting_facts": []}]', "lacks a part"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_official(path)
