"""Plain text, Markdown, HTML and JSON Lines."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from hetarag.ingest import discover_sources, load_source
from hetarag.types import Document
from tests.ingest.conftest import Outcome, ingest

Read = Callable[[str, "str | bytes"], Outcome]


# ------------------------------------------------------------------------------ plain text


def test_plain_text_is_kept_with_plain_line_ends(read: Read) -> None:
    found = read(
        "annual_report-2024.txt", "One.\r\n\r\nTwo\x00 and\u00a0three.  \n\n\n\nFour."
    ).document
    assert found.text == "One.\n\nTwo and three.\n\nFour."
    assert found.title == "Annual report 2024"
    assert found.media_type == "text/plain"


def test_the_first_line_is_the_title_when_it_stands_alone(read: Read) -> None:
    assert read("cape.txt", "Cape Evans\n\nA hut stands there.").document.title == "Cape Evans"
    assert read("cape.txt", "A hut stands there.\n\nIt is old.").document.title == "Cape"
    assert read("cape.txt", "Cape Evans").document.title == "Cape"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Zoë “naïve”".encode("utf-8-sig"), "Zoë “naïve”"),
        ("Zoë “naïve”".encode("utf-16"), "Zoë “naïve”"),
        ("plain words here".encode("utf-16-le"), "plain words here"),
    ],
)
def test_encodings_that_are_sure(read: Read, data: bytes, text: str) -> None:
    outcome = read("a.txt", data)
    assert outcome.document.text == text
    assert outcome.warnings == []


def test_windows_1252_is_guessed_and_said(read: Read) -> None:
    outcome = read("a.txt", "Le café de Zoë coûte 5 € – déjà vu".encode("cp1252"))
    assert outcome.document.text == "Le café de Zoë coûte 5 € – déjà vu"
    assert "a.txt: not valid UTF-8 (byte 0xE9 at offset 6); read as cp1252" in outcome.warnings[0]
    assert "save the file as UTF-8" in outcome.warnings[0]


def test_a_damaged_byte_in_utf8_does_not_change_the_rest(read: Read) -> None:
    outcome = read("a.txt", "Käse, Brötchen, Müsli ".encode() + b"\xff" + " für Zoë".encode())
    assert outcome.document.text == "Käse, Brötchen, Müsli \ufffd für Zoë"
    assert "read as utf-8" in outcome.warnings[0]


def test_russian_in_windows_1251_is_read(read: Read) -> None:
    text = "Александр Пушкин родился в Москве и был великим русским поэтом."
    assert read("a.txt", text.encode("cp1251")).document.text == text


# ------------------------------------------------------------------------------ Markdown

MARKDOWN = """---
title: "The *Real* Title"
year: 2024
draft: false
tags: [a, b]
published: 2024-05-01  # a date stays text
---
# Heading One

Some **bold** text with `code`, a [link](http://example.org) and
a soft break.

- first
- second
  1. inner

| City | People |
|------|-------:|
| Rome | 2,800,000 |
| Oslo | 700,000 |

```python
x = {"a": 1}

y = 2
```

<div hidden>secret</div>
<p>raw html</p>
"""


def test_markdown_loses_its_markup_and_keeps_its_words(read: Read) -> None:
    found = read("a.md", MARKDOWN).document
    assert found.title == "The *Real* Title"
    assert dict(found.metadata) == {"year": 2024, "draft": False, "published": "2024-05-01"}
    assert found.text == (
        "Heading One\n\nSome bold text with code, a link and a soft break.\n\n- first\n- second\n"
        '  1. inner\n\nx = {"a": 1}\n\ny = 2\n\nraw html'
    )


def test_a_markdown_table_is_typed_and_left_out_of_the_text(read: Read) -> None:
    (table,) = read("a.md", MARKDOWN).document.tables
    assert table.name == "Heading One"
    assert [(c.name, c.type) for c in table.columns] == [("City", "text"), ("People", "integer")]
    assert list(table.rows) == [("Rome", 2_800_000), ("Oslo", 700_000)]


def test_markdown_without_front_matter_takes_its_first_heading(read: Read) -> None:
    assert read("a.md", "text\n\n## The Heading\n").document.title == "The Heading"
    assert read("b.md", "---\n\nA rule, not front matter: see.\n").document.text.endswith("see.")


def test_toml_front_matter_and_a_broken_one(read: Read) -> None:
    found = read("a.md", '+++\ntitle = "T"\nyear = 1999\n+++\nBody.').document
    assert (found.title, dict(found.metadata), found.text) == ("T", {"year": 1999}, "Body.")
    outcome = read("b.md", "+++\nyear 1999\n+++\nBody.")
    assert "not valid TOML" in outcome.warnings[0]
    assert "year 1999" in outcome.document.text


def outline(found: Document) -> list[tuple[int, str]]:
    return [(h.level, found.text[h.start : h.end]) for h in found.headings]


def test_markdown_headings_have_their_levels_and_places(read: Read) -> None:
    text = "Lead\n====\n\nOne.\n\n### A *b* `c`\n- # Last\n\nTwo.\n\n#\n\n> # Last\n\nLast\n\n## Last ##\n\nEnd."
    found = read("a.md", text).document
    assert outline(found) == [(1, "Lead"), (3, "A b c"), (2, "Last")]
    assert found.text == "Lead\n\nOne.\n\nA b c\n\n- Last\n\nTwo.\n\nLast\n\nLast\n\nLast\n\nEnd."
    assert found.text[found.headings[2].start :] == "Last\n\nEnd."


def test_headings_of_plain_text_and_of_lines_are_guessed(read: Read) -> None:
    body = "The quick brown fox jumps over the lazy dog, again and again, until the evening comes."
    text = f"Foxes\n\n{body}\n\nDogs\n\n{body}"
    for name, data in (("a.txt", text), ("a.jsonl", json.dumps({"text": text}))):
        assert outline(read(name, data).document) == [(1, "Foxes"), (1, "Dogs")]


def test_two_tables_under_one_heading_get_different_names(read: Read) -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    found = read("a.md", f"# Numbers\n\n{table}\ntext\n\n{table}").document
    assert [t.name for t in found.tables] == ["Numbers", "Numbers_2"]


# ------------------------------------------------------------------------------ HTML

HTML = """<!DOCTYPE html><html><head><title>The  Page</title><meta name="author" content="Ann">
<style>p {color: red}</style></head><body><nav>Menu</nav><h1>Head</h1>
<p>Fish &amp; <b>chips</b>,<br>twice.</p><script>alert(1)</script><p hidden>no</p>
<p style="display: none">no</p><ul><li>one</li><li>two</li></ul><pre>a
  b</pre><img src="http://example.org/x.png" onerror="x()">
<table><caption>Prices</caption><tr><th>Fish</th><th>Price</th></tr>
<tr><td>Cod</td><td>3.50</td></tr></table>
<table><tr><td><p>Only layout.</p></td></tr></table></body></html>"""


def test_html_keeps_what_is_visible(read: Read) -> None:
    found = read("a.html", HTML).document
    assert found.text == "Head\n\nFish & chips,\ntwice.\n\n- one\n- two\n\na\n  b\n\nOnly layout."
    assert found.title == "The Page"
    assert dict(found.metadata) == {"author": "Ann"}
    (table,) = found.tables
    assert (table.name, list(table.rows)) == ("Prices", [("Cod", 3.5)])


def test_html_headings_have_their_levels_and_places(read: Read) -> None:
    body = (
        "<h1>The <i>Head</i></h1><p>One.<nav><h2>Menu</h2></nav><h3>In\n parts</h3><p>Two."
        "<h2 hidden>No</h2><p>Last</p><h3>Paid<br>leave <b hidden>x</b><h4>inner</h4></h3><table><tr><th>a</th><th><h4>b</h4></th></tr><tr><td>1</td><td>2</td></tr>"
        "</table><section><h2>Last</h2></section>"
    )
    found = read("a.html", body).document
    assert [h.level for h in found.headings][:3] == [1, 3, 3]
    assert outline(found)[:2] == [(1, "The Head"), (3, "In parts")]
    assert outline(found)[2][1].startswith("Paid\nleave")
    assert outline(found)[-1] == (2, "Last")
    assert found.text.endswith("\n\nLast")


def test_html_in_its_declared_encoding(read: Read) -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><body>Łódź</body></html>'
    assert read("a.html", page.encode("iso-8859-2")).document.text == "Łódź"


def test_html_expands_no_entities_of_its_own_and_reads_no_files(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("TOPSECRET")
    page = (
        f'<!DOCTYPE html [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">'
        '<!ENTITY b "BOOM">]><html><body><p>hello &x; &b;</p></body></html>'
    )
    text = read("a.html", page).document.text
    assert "hello" in text
    assert "TOPSECRET" not in text
    assert "BOOM" not in text.replace('"BOOM"', "")


def test_deeply_nested_html_does_not_exhaust_the_stack(read: Read) -> None:
    assert "core" in read("a.html", "<div>" * 1500 + "core" + "</div>" * 1500).document.text


# ------------------------------------------------------------------------------ JSON Lines


def test_each_line_is_a_document(read: Read) -> None:
    lines = [
        {"id": "d1", "title": "First", "text": "One.", "year": 2024, "tags": ["x"], "ok": True},
        {"text": "Two."},
        {"id": 7, "text": "Three."},
    ]
    outcome = read("a.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
    first, second, third = outcome.documents
    assert (first.uri, first.name, first.title) == ("id:d1", "d1", "First")
    assert dict(first.metadata) == {"year": 2024, "ok": True}
    assert second.uri.startswith("file:///")
    assert second.uri.endswith("/a.jsonl#2")
    assert (second.name, second.title) == ("a.jsonl#2", "A")
    assert (third.uri, third.title) == ("id:7", "7")


def test_the_digest_of_a_line_ignores_order_and_spaces(read: Read) -> None:
    one = read("a.jsonl", '{"id": "x", "text": "t"}').document
    same = read("b.jsonl", '{"text":"t","id":"x"}').document
    other = read("c.jsonl", '{"id": "x", "text": "u"}').document
    assert one.sha256 == same.sha256 != other.sha256


def test_a_bad_line_is_named_and_the_others_are_read(read: Read) -> None:
    lines = [
        b'{"id": "a", "text": "fine"}', b"{broken", b'["list"]', b'{"id": "b"}',
        b'{"id": "c", "text": "\xff"}', b'{"id": "a", "text": "again"}',
        b'{"id": [1], "text": "t"}', b'{"id": "d", "text": "\\ud800 fine"}', b"[" * 100_000,
    ]  # fmt: skip
    outcome = read("a.jsonl", b"\n".join(lines))
    assert [d.text for d in outcome.documents] == ["fine", " fine".strip()]
    expected = [
        "line 2: not valid JSON", "line 3: not a JSON object", 'line 4: it has no "text"',
        "line 5: not valid UTF-8 (at byte 21)", "line 6: the id 'a' is already used above",
        'line 7: its "id" is not a string', "line 9: not valid JSON",
    ]  # fmt: skip
    assert len(outcome.failures) == len(expected)
    for failure, start in zip(outcome.failures, expected, strict=True):
        assert failure.startswith(f"a.jsonl: {start}")


def test_a_file_without_any_good_line_does_not_flood_the_report(read: Read) -> None:
    outcome = read("questions.jsonl", '{"question": "?"}\n' * 50)
    assert len(outcome.failures) == 21
    assert outcome.failures[-1].endswith("30 more of its 50 lines could not be read")


def test_many_lines_are_streamed(tmp_path: Path) -> None:
    line = json.dumps({"text": "x" * 1000}) + "\n"
    path = tmp_path / "many.jsonl"
    path.write_text(line * 5_000)  # 5 MB
    (source,) = discover_sources([path], 512)
    tracemalloc.start()
    try:
        assert sum(isinstance(item, Document) for item in load_source(source)) == 5_000  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 1_500_000
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.jsonl"])
def test_fifty_megabytes_of_one_line(tmp_path: Path, name: str) -> None:
    size = 50 * 2**20
    text = '{"text": "' + "x" * size + '"}' if name == "a.jsonl" else "x" * size
    (tmp_path / name).write_text(text)
    outcome = ingest(tmp_path / name)
    assert outcome.failures == []
    document = outcome.document
    table_cells = sum(len(c.name) for t in document.tables for c in t.columns)
    assert len(document.text) >= size or table_cells
