"""The files in which question sets are published, as a corpus and its questions.

Formats: HotpotQA and 2WikiMultiHopQA (one JSON list; each question brings its paragraphs), MuSiQue
(JSON Lines; likewise), MultiHop-RAG (a JSON list beside corpus.json) and BEIR folders (corpus.jsonl,
queries.jsonl, qrels/), as JSON or as the Parquet files of the hub. Paragraphs of all questions become
one corpus, each once.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hetarag.errors import InputError
from hetarag.eval.datasets import Passage, Question

Loaded = tuple[list[Passage], list[Question]]
Line = Mapping[str, Any]


def load_official(path: Path, split: str = "test") -> Loaded:
    """Read a published file, or a BEIR folder with the qrels of `split`.

    Raises `InputError` for a file that is missing or in none of the formats.
    """
    if path.is_dir():
        return _beir(path, split)
    lines = _read(path)
    for fits, load in _FORMATS:
        if fits(lines[0]):
            try:
                return load(path, lines)
            except InputError:
                raise
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise InputError(
                    f"{path}: a question lacks a part of its form: {error!r}"
                ) from error
    raise InputError(
        f"{path}: in none of the known forms (HotpotQA, 2WikiMultiHopQA, MuSiQue, MultiHop-RAG); its "
        f"lines have the keys {', '.join(sorted(lines[0]))}"
    )


def write_dataset(loaded: Loaded, folder: Path) -> None:
    """Write corpus.jsonl and questions.jsonl, which all benchmarks read."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus, questions = loaded
    _write(
        folder / "corpus.jsonl", ({"id": p.id, "title": p.title, "text": p.text} for p in corpus)
    )
    _write(
        folder / "questions.jsonl",
        (
            {
                "id": q.id,
                "question": q.text,
                "answers": list(q.answers),
                "supporting_ids": sorted(q.supporting),
                "type": q.type,
            }
            for q in questions
        ),
    )


class _Pool:
    """Paragraphs by title and text, each under one id: its title, with a digest where that is taken."""

    def __init__(self) -> None:
        self._passages: dict[tuple[str, str], Passage] = {}
        self._taken: set[str] = set()

    def add(self, title: str, text: str) -> str:
        """Return the id of a paragraph, which is new or was there."""
        key = (title, text)
        if key not in self._passages:
            name = title or "untitled"
            if name in self._taken:
                name += " #" + hashlib.sha256(text.encode()).hexdigest()[:8]
            self._taken.add(name)
            self._passages[key] = Passage(name, title, text)
        return self._passages[key].id

    def all(self) -> list[Passage]:
        """Return the paragraphs in the order in which they came."""
        return list(self._passages.values())


def _hotpotqa(_: Path, lines: list[Line]) -> Loaded:
    """HotpotQA and 2WikiMultiHopQA: context is [title, sentences], supporting facts name titles."""
    pool, questions = _Pool(), []
    for line in lines:
        ids: dict[str, str] = {}
        for title, sentences in _pairs(line["context"], "sentences"):
            ids.setdefault(title, pool.add(title, " ".join(s.strip() for s in sentences)))
        name = line["_id"] if "_id" in line else line["id"]
        named = [title for title, _ in _pairs(line["supporting_facts"], "sent_id")]
        _all_there(
            f"question {name}", named, ids, "its context; take the distractor setting's file"
        )
        supporting = frozenset(ids[title] for title in named)
        questions.append(
            _question(name, line["question"], [line["answer"]], supporting, line.get("type"))
        )
    return pool.all(), questions


def _pairs(value: Any, second: str) -> Iterable[tuple[Any, Any]]:
    """Return pairs as the published files have them, also from the hub's columns of a table."""
    if isinstance(value, Mapping):
        return zip(value["title"], value[second], strict=True)
    return [(pair[0], pair[1]) for pair in value]


def _all_there(what: str, named: Iterable[str], known: Mapping[str, str], where: str) -> None:
    """Refuse gold documents that nothing can find: leaving them out would flatter every figure."""
    missing = next((name for name in named if name not in known), None)
    if missing is not None:
        raise InputError(f"{what}: the supporting document {missing!r} is not in {where}")


def _musique(_: Path, lines: list[Line]) -> Loaded:
    """MuSiQue: each paragraph says whether it supports; the kind is the number of hops in the id."""
    pool, questions = _Pool(), []
    for line in lines:
        found = [(p, pool.add(p["title"], p["paragraph_text"])) for p in line["paragraphs"]]
        supporting = frozenset(name for p, name in found if p["is_supporting"])
        answers = [line["answer"], *line.get("answer_aliases", ())]
        if line.get("answerable", True):
            kind = str(line["id"]).partition("__")[0]
            questions.append(_question(line["id"], line["question"], answers, supporting, kind))
    return pool.all(), questions


def _multihop_rag(path: Path, lines: list[Line]) -> Loaded:
    """MultiHop-RAG: news articles in corpus.json; evidence names them by their address or title."""
    articles = _read(path.with_name("corpus.json"))
    pool = _Pool()
    ids: dict[str, str] = {}
    for article in articles:
        name = pool.add(article["title"], article["body"])
        ids[article["title"]] = ids[article.get("url") or article["title"]] = name
    questions = []
    for number, line in enumerate(lines):
        named = [e.get("url") or e["title"] for e in line["evidence_list"]]
        _all_there(f"{path}, question {number}", named, ids, "corpus.json")
        supporting = frozenset(ids[name] for name in named)
        kind = line.get("question_type")
        questions.append(_question(str(number), line["query"], [line["answer"]], supporting, kind))
    return pool.all(), questions


def _beir(folder: Path, split: str) -> Loaded:
    corpus = [
        Passage(name, str(line.get("title") or ""), text)
        for name, text, line in _texts(folder / "corpus.jsonl")
    ]
    texts = {name: text for name, text, _ in _texts(folder / "queries.jsonl")}
    judged: dict[str, set[str]] = {}
    path = folder / "qrels" / f"{split}.tsv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if int(row["score"]) > 0:
                    judged.setdefault(row["query-id"], set()).add(row["corpus-id"])
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: needs the columns query-id, corpus-id and score") from error
    missing = [name for name in judged if name not in texts]
    if missing:
        raise InputError(f"{path}: the query {missing[0]!r} is not in queries.jsonl")
    questions = [_question(q, texts[q], [], frozenset(ids), None) for q, ids in judged.items()]
    return corpus, questions


def _texts(path: Path) -> Iterator[tuple[str, str, Line]]:
    for number, line in enumerate(_read(path), start=1):
        try:
            yield str(line["_id"]), str(line["text"]), line
        except KeyError as error:
            raise InputError(f"{path}, line {number}: lacks {error}") from error


def _question(
    name: str, text: str, answers: Iterable[str], supporting: frozenset[str], kind: str | None
) -> Question:
    return Question(str(name), text, tuple(dict.fromkeys(answers)), supporting, kind or "")


_FORMATS: tuple[tuple[Callable[[Line], bool], Callable[[Path, list[Line]], Loaded]], ...] = (
    (lambda line: {"context", "supporting_facts"} <= line.keys(), _hotpotqa),
    (lambda line: "paragraphs" in line, _musique),
    (lambda line: {"query", "evidence_list"} <= line.keys(), _multihop_rag),
)


def _read(path: Path) -> list[Line]:
    """Read a JSON list, JSON Lines, or a Parquet file."""
    try:
        if path.suffix == ".parquet":
            from pyarrow import parquet  # type: ignore[import-untyped]

            return list(parquet.read_table(path).to_pylist())
        text = path.read_text(encoding="utf-8")
        whole = text.lstrip().startswith("[")
        # Not splitlines(): texts may hold other separators of lines, such as U+2028, as they are.
        found = (
            json.loads(text) if whole else [json.loads(x) for x in text.split("\n") if x.strip()]
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: neither a JSON list nor JSON Lines: {error}") from error
    if not found or not all(isinstance(line, dict) for line in found):
        raise InputError(f"{path}: has no objects to read")
    return list(found)


def _write(path: Path, lines: Iterator[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
