"""Whether the questions about the example knowledge base are answered by its documents."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from example_documents import KNOWLEDGE, typed
from json_lines import lines_of

QUESTIONS = KNOWLEDGE.parent / "questions.json"

EXPECTED_TYPES = {
    "single_hop": 10,
    "two_hop": 8,
    "three_hop": 5,
    "table_lookup": 6,
    "aggregate": 5,
    "row_then_passage": 5,
    "unanswerable": 5,
}

# How the answer to each aggregate question is computed from its table. "where" keeps the rows
# whose cells equal the given values; "column" is the number or date to look at; "give" is the
# column to answer with ("max" and "min" only).
COMPUTE: dict[str, dict[str, Any]] = {
    "q30": {"table": "tables/ships.csv", "op": "count", "where": {"built_at": "Dundee"}},
    "q31": {"table": "tables/ships.csv", "op": "max", "column": "length_m", "give": "ship"},
    "q32": {
        "table": "tables/expeditions.csv",
        "op": "sum",
        "column": "winters",
        "where": {"flag": "Norway"},
    },
    "q33": {
        "table": "tables/ships.csv",
        "op": "mean",
        "column": "length_m",
        "where": {"built_at": "Dundee"},
    },
    "q34": {"table": "tables/explorers.csv", "op": "min", "column": "born", "give": "name"},
}

# For the questions that start from a table row: the row's condition, and the cell it must give.
ROWS: dict[str, dict[str, Any]] = {
    "q35": {"table": "tables/ships.csv", "op": "min", "column": "length_m", "cell": "Gjøa"},
    "q36": {"table": "tables/expeditions.csv", "op": "max", "column": "winters", "cell": "Maud"},
    "q37": {"table": "tables/expeditions.csv", "where": {"flag": "Belgium"}, "cell": "Belgica"},
    "q38": {
        "table": "tables/explorers.csv",
        "where": {"birthplace": "Akaroa"},
        "cell": "Frank Worsley",
    },
    "q39": {"table": "tables/ships.csv", "where": {"fate": "burned"}, "cell": "Scotia"},
}


class TextOf(HTMLParser):
    """Collect the text of an HTML page."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        """Keep one run of text."""
        self.parts.append(data)


def documents(path: Path) -> dict[str, dict[str, Any]]:
    """Return the documents of a JSON Lines file by their ids."""
    return {document["id"]: document for document in lines_of(path)}


def read_text(reference: str) -> str:
    """Return the text of a supporting document, given its path below ``examples/knowledge``."""
    name, _, anchor = reference.partition("#")
    path = KNOWLEDGE / name
    match path.suffix:
        case ".pdf":
            import pypdf

            text = "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
        case ".docx":
            import docx

            document = docx.Document(str(path))
            parts = [paragraph.text for paragraph in document.paragraphs]
            parts += [cell.text for t in document.tables for row in t.rows for cell in row.cells]
            text = "\n".join(parts)
        case ".pptx":
            import pptx

            parts = []
            for slide in pptx.Presentation(str(path)).slides:
                parts += [shape.text for shape in slide.shapes if shape.has_text_frame]
                if slide.has_notes_slide:
                    parts.append(slide.notes_slide.notes_text_frame.text)
            text = "\n".join(parts)
        case ".xlsx":
            import openpyxl

            book = openpyxl.load_workbook(path, data_only=True)
            rows = [row for sheet in book for row in sheet.iter_rows(values_only=True)]
            text = "\n".join(", ".join(str(cell) for cell in row) for row in rows)
        case ".html":
            page = TextOf()
            page.feed(path.read_text(encoding="utf-8"))
            text = " ".join(page.parts)
        case ".jsonl":
            document = documents(path)[anchor]
            text = document["title"] + "\n" + document["text"]
        case _:
            text = path.read_text(encoding="utf-8").replace("*", "")
    return " ".join(text.split())


def select(rule: dict[str, Any]) -> list[dict[str, str]]:
    """Return the table rows that a rule keeps."""
    with (KNOWLEDGE / rule["table"]).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    where: dict[str, str] = rule.get("where", {})
    rows = [row for row in rows if all(row[name] == value for name, value in where.items())]
    if rule.get("column"):
        rows = [row for row in rows if row[rule["column"]]]
    return rows


def extreme(rule: dict[str, Any]) -> dict[str, str]:
    """Return the one row with the largest or smallest value; ties are an error."""

    def key(row: dict[str, str]) -> Any:
        return typed(row[rule["column"]])

    rows = sorted(select(rule), key=key, reverse=rule["op"] == "max")
    if key(rows[0]) == key(rows[1]):
        raise ValueError(f"a tie in {rule}")
    return rows[0]


def compute(rule: dict[str, Any]) -> str:
    """Compute the answer to an aggregate question."""
    rows = select(rule)
    match rule["op"]:
        case "count":
            return str(len(rows))
        case "sum":
            return f"{sum(float(row[rule['column']]) for row in rows):g}"
        case "mean":
            return f"{sum(float(row[rule['column']]) for row in rows) / len(rows):.2f}"
        case _:
            return extreme(rule)[rule["give"]]


def check_row(rule: dict[str, Any]) -> bool:
    """Tell whether a row question's condition picks exactly one row, with the expected cell."""
    rows = [extreme(rule)] if "op" in rule else select(rule)
    return len(rows) == 1 and rule["cell"] in rows[0].values()


def check_question(question: dict[str, Any]) -> list[str]:
    """Return what is wrong with one question."""
    kind, answers = question["type"], question["answers"]
    supporting = question["supporting"]
    if kind == "unanswerable":
        return ["an unanswerable question has answers or support"] if answers or supporting else []
    problems = [f"no such document: {s}" for s in supporting if not exists(s)]
    if problems:
        return problems
    if not answers or not supporting:
        return ["no answer or no supporting document"]
    if kind == "aggregate":
        value = compute(COMPUTE[question["id"]])
        if value not in answers:
            problems.append(f"the table gives {value!r}")
    else:
        texts = [read_text(reference).casefold() for reference in supporting]
        texts = texts[-1:]  # the last document of a chain must hold the answer
        if not any(answer.casefold() in text for answer in answers for text in texts):
            problems.append("no answer string in the supporting documents")
    if kind in ("two_hop", "three_hop", "row_then_passage"):
        hops = 3 if kind == "three_hop" else 2
        if len(supporting) != hops:
            problems.append(f"{hops} supporting documents expected")
    if kind == "row_then_passage" and not check_row(ROWS[question["id"]]):
        problems.append("the row condition does not pick the expected row")
    return problems


def exists(reference: str) -> bool:
    """Tell whether a supporting reference names a document."""
    name, _, anchor = reference.partition("#")
    path = KNOWLEDGE / name
    if not path.is_file():
        return False
    if path.suffix != ".jsonl":
        return not anchor
    return anchor in documents(path)


def check() -> int:
    """Check all questions and the size of the documents; return the number of problems."""
    questions = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    problems: list[str] = []
    for question in questions:
        problems += [f"{question['id']}: {problem}" for problem in check_question(question)]
    counts = Counter(question["type"] for question in questions)
    if counts != EXPECTED_TYPES:
        problems.append(f"types: {dict(counts)}")
    if len({question["id"] for question in questions}) != len(questions):
        problems.append("question ids are not unique")
    files = [path for path in KNOWLEDGE.rglob("*") if path.is_file()]
    problems += [f"{path.name} is over 100 KB" for path in files if path.stat().st_size > 100_000]
    if sum(path.stat().st_size for path in files) > 1_000_000:
        problems.append("the knowledge base is over 1 MB")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(files)} files, {len(questions)} questions, {len(problems)} problems")
    return len(problems)
