"""Published files of each form, made small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
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


def test_hotpotqa_as_the_hub_has_it(tmp_path: Path) -> None:
    line = {
        "id": "a", "question": "Who?", "answer": "Ann", "type": "bridge",
        "supporting_facts": {"title": ["Fram"], "sent_id": [0]},
        "context": {"title": ["Fram", "Gauss"], "sentences": [["A ship.", " Old."], ["No."]]},
    }  # fmt: skip
    from_lines = load_official(as_lines(tmp_path / "dev.jsonl", line))
    assert [p.text for p in from_lines[0]] == ["A ship. Old.", "No."]
    assert from_lines[1][0].supporting == {"Fram"}
    pq.write_table(pa.Table.from_pylist([line]), tmp_path / "dev.parquet")
    assert load_official(tmp_path / "dev.parquet") == from_lines
    (tmp_path / "dev.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"dev\.parquet: .*Parquet"):
        load_official(tmp_path / "dev.parquet")


def test_gold_that_cannot_be_found_is_refused(tmp_path: Path) -> None:
    line = {**HOTPOT[1], "supporting_facts": [["Endurance", 0]]}
    with pytest.raises(InputError, match="question b: the supporting document 'Endurance' is not"):
        load_official(as_json(tmp_path / "fullwiki.json", [line]))
    as_json(tmp_path / "corpus.json", [{"title": "One", "url": "u1", "body": "text"}])
    rag = {"query": "?", "answer": "x", "evidence_list": [{"title": "Two", "url": "u2"}]}
    with pytest.raises(InputError, match=r"'u2' is not in corpus\.json"):
        load_official(as_json(tmp_path / "MultiHopRAG.json", [rag]))


def test_separators_of_lines_within_a_text_are_text(tmp_path: Path) -> None:
    texts = ["one\u2028two", "three\x85four"]
    folder = tmp_path / "beir"
    folder.mkdir()
    lines = [
        json.dumps({"_id": str(n), "text": t}, ensure_ascii=False) for n, t in enumerate(texts)
    ]
    (folder / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    as_lines(folder / "queries.jsonl", {"_id": "q", "text": "?"})
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t0\t2\n")
    assert [p.text for p in load_official(folder)[0]] == texts


def test_broken_beir_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"corpus\.jsonl: cannot be read"):
        load_official(tmp_path)
    as_lines(tmp_path / "corpus.jsonl", {"_id": "d1", "text": "x"}, {"_id": "d2"})
    with pytest.raises(InputError, match=r"corpus\.jsonl, line 2: lacks 'text'"):
        load_official(tmp_path)
    as_lines(tmp_path / "corpus.jsonl", {"_id": "d1", "text": "x"})
    as_lines(tmp_path / "queries.jsonl", {"_id": "q", "text": "?"})
    (tmp_path / "qrels").mkdir()
    for content in ("q\td1\t1\nq\td2\t1\n", "query-id\tcorpus-id\tscore\nq\td1\tmuch\n"):
        (tmp_path / "qrels" / "test.tsv").write_text(content)
        with pytest.raises(InputError, match="needs the columns query-id, corpus-id and score"):
            load_official(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": "1", "text": "x"}\n{"id": "2"}\n', "line 2: lacks 'text'"),
        ('{"id": "1", "text": "x"}\n{"id"\n', "line 2: not a line of this form"),
        ('["id", "text"]\n', "line 1: not an object of this form"),
        ("7\n", "line 1: not an object of this form"),
    ],
)
def test_broken_lines_of_the_benchmarks_own_form_are_named(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "corpus.jsonl").write_text(content)
    with pytest.raises(InputError, match=message):
        read_corpus(tmp_path / "corpus.jsonl")


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
    assert [(q.id, q.supporting) for q in questions] == [("q1", frozenset({"d2"}))]
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
