"""What paragraphs are about: the names that they open with, and other forms of those."""

from __future__ import annotations

import pytest

from hetarag.ingest import RuleExtractor, Splitter
from hetarag.types import Document, Mention


def topics(
    text: str, title: str = "Report 17", words: int = 160, name: str = "report-17.md"
) -> list[list[str]]:
    """Return the topics of each chunk."""
    found = run(text, title, words, name)
    return [[m.entity.name for m in mentions if m.label == "TOPIC"] for mentions in found]


def run(text: str, title: str, words: int, name: str) -> list[tuple[Mention, ...]]:
    document = Document("id:d", name, title, text, "text/plain", "")
    (found,) = RuleExtractor().extract([(document, Splitter(words).split(document))])
    return [mentions for mentions, _ in found]


@pytest.mark.parametrize(
    ("paragraphs", "about"),
    [
        (["The Fram Museum is in Oslo.", "Ada Lovelace met Bob Builder."], ["Fram Museum", "Ada Lovelace"]),
        (["Roald Amundsen", "He left in June with Oscar Wisting."], ["Roald Amundsen"]),
        (['"Das Boot" is long.', "(Anna Bell sings.)"], ["Das Boot", "Anna Bell"]),
        (["In Oslo he met Ada Lovelace.", "Then came Bob Builder."], []),
        (["1911 was cold for Ada Lovelace.", "On 14 December 1911 Roald Amundsen arrived."], []),
        (["Ada Lovelace wrote. Bob Builder read.", "ada lovelace is in small letters."], ["Ada Lovelace"]),
    ],
)  # fmt: skip
def test_a_paragraph_is_about_the_name_that_it_opens_with(
    paragraphs: list[str], about: list[str]
) -> None:
    text = "\n\n".join(paragraphs)
    assert topics(text) == [about]
    mentions = run(text, "Report 17", 160, "report-17.md")[0]
    named = {(m.entity.id, m.start, m.end) for m in mentions if m.sentence >= 0}
    for topic in (m for m in mentions if m.label == "TOPIC"):
        assert topic.sentence == -1
        assert (topic.entity.id, topic.start, topic.end) in named


@pytest.mark.parametrize(
    ("title", "name", "about"),
    [
        ("The first program", "programs.md", []),
        ("The first program", "The first program", []),
        ("Programs", "Programs", []),
        ("hpd-00017", "hpd-00017", ["Ada Lovelace"]),  # an id that stands in for a title
        ("news/17", "news/17", ["Ada Lovelace"]),
    ],
)
def test_a_single_paragraph_is_about_its_title_where_it_has_one(
    title: str, name: str, about: list[str]
) -> None:
    assert topics("Ada Lovelace wrote.\nBob Builder read.", title, name=name) == [about]


def test_a_title_is_no_topic_and_each_chunk_has_its_own_topics() -> None:
    names = ("Ada Lovelace", "Bob Builder", "Ada Lovelace", "Anna Bell")
    text = "\n\n".join(f"{name} was one of the ten people who had come." for name in names)
    assert topics(text, "Anna Bell", 30) == [["Ada Lovelace", "Bob Builder"], ["Ada Lovelace"]]


@pytest.mark.parametrize(
    ("opening", "forms"),
    [
        ("Ada King Lovelace (10 December 1815 – 27 November 1852) wrote.", ["Ada Lovelace"]),
        ("Ada King Lovelace, Jr. (born 1815) wrote.", ["Ada Lovelace"]),
        ("General Ada King Lovelace OBE (born 1815) wrote.", ["Ada Lovelace"]),
        ("General Ada Lovelace (born 1815) wrote.", ["Ada Lovelace"]),
        ("Ada Lovelace (born 1815) wrote.", []),
        ("J. K. Rowling (born 1965) wrote.", []),
        ("Ada King Lovelace wrote.", []),
        ("Nova Ship Company (founded in 1815 by Bob Builder) grew.", []),
        ('Augusta Ada "Countess" Lovelace wrote.', ["Countess Lovelace", "Augusta Lovelace"]),
        ("Nova Markets, Inc., commonly known as Nova, sells.", ["Nova"]),
        ('Chan Wen (born 1990), better known by her stage name "Faye", sings.', ["Faye"]),
        ("Chan Wen is known as the former singer of Great Band.", []),
        ("The Oslo Polar Institute (OPI) is old.", ["OPI"]),
        ("The Oslo Polar Institute (NASA) is old.", []),
    ],
)
def test_other_forms_of_a_topic(opening: str, forms: list[str]) -> None:
    (found,) = topics(f"{opening}\n\nnothing else is said here")
    assert found[1:] == forms
