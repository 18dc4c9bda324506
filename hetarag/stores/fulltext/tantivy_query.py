"""Records and questions in the terms of Tantivy: BM25 over "title. text" and the title once more.

Recall@5, the mean of three multi-hop sets: words as they are .635, without the question's stop
words .648, title and text apart .669, "title. text" and the title at half weight .678 (at a quarter
.668, at full weight .667); without English stemming .668; pairs of neighbouring words add nothing.
Stop words are left out of questions, not of the index: a quoted phrase may hold them.

User text never becomes query syntax: it is analysed, and clauses are built from its terms.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import tantivy
from tantivy import Filter as Step
from tantivy import Occur
from tantivy import Query as Clause

from hetarag.text import STOP_WORDS, encodable, spaced
from hetarag.types import Filter, Query, Record

TITLE_BOOST = 0.5
PHRASE_BOOST = 1.0
MAX_TERMS = 256
ANALYSER = "english_1"  # part of the schema: another number makes an old index be refused
_UNTAGGED = "\x00"  # stands in the field of tags for "has none"; tags get a prefix, see `_tag`
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]{3,200})["“”„«»]')


class Clauses:
    """The schema, the analyser, and what is built from them."""

    def __init__(self) -> None:
        self.schema = _schema()
        self.analyser = _analyser()
        self._stop = frozenset(self.analyser.analyze(" ".join(sorted(STOP_WORDS))))

    def with_ids(self, ids: Collection[str]) -> Clause:
        """Return what matches the documents with these ids."""
        return Clause.term_set_query(self.schema, "id", [encodable(i) for i in ids])

    def answering(self, searcher: tantivy.Searcher, query: Query) -> Clause | None:
        """Return what matches and weighs the answers to `query`; None if it has no words."""
        text = spaced(encodable(query.text))
        terms = self._terms(searcher, text)
        if not terms:
            return None
        wanted = [self._term(field, term) for term in terms for field in ("body", "title")]
        wanted += self._phrases(text)
        words = Clause.boolean_query([(Occur.Should, clause) for clause in wanted])
        restriction = self._restriction(query.filter)
        if not restriction:
            return words
        return Clause.boolean_query([(Occur.Must, words), *((Occur.Must, r) for r in restriction)])

    def _terms(self, searcher: tantivy.Searcher, text: str) -> list[str]:
        """Return the question's terms; stop words only if there is nothing else in it."""
        found = list(dict.fromkeys(self.analyser.analyze(text)))
        terms = [term for term in found if term not in self._stop] or found
        if len(terms) > MAX_TERMS:  # keep the rarest; those that occur nowhere are worth nothing
            terms.sort(key=lambda term: searcher.doc_freq("body", term) or searcher.num_docs + 1)
        return terms[:MAX_TERMS]

    def _term(self, field: str, term: str) -> Clause:
        clause = Clause.term_query(self.schema, field, term, "freq")
        return Clause.boost_query(clause, TITLE_BOOST) if field == "title" else clause

    def _phrases(self, text: str) -> list[Clause]:
        found = []
        for quoted in _QUOTED.findall(text):
            tokens = self.analyser.pre_tokenize(quoted).tokens
            if len(tokens) > 1:  # the engine panics at a phrase of one word
                words = [(token.position, token.text) for token in tokens]
                phrase = Clause.phrase_query(self.schema, "body", words)  # type: ignore[arg-type]
                found.append(Clause.boost_query(phrase, PHRASE_BOOST))
        return found

    def _restriction(self, restriction: Filter) -> list[Clause]:
        """Return what a document must match besides, without a share in its score."""
        sets: list[tuple[str, list[str]]] = []
        if restriction.collections:
            sets.append(("collection", [encodable(c) for c in restriction.collections]))
        if restriction.documents is not None:
            sets.append(("document", [encodable(d) for d in restriction.documents]))
        if restriction.tags is not None:
            sets.append(("tags", [_UNTAGGED, *(_tag(tag) for tag in restriction.tags)]))
        return [
            Clause.const_score_query(Clause.term_set_query(self.schema, field, values), 0.0)
            for field, values in sets
        ]


def document_of(record: Record) -> tantivy.Document:
    """Return what the index holds of `record`; all of it is stored, so that it can be copied."""
    title, text = spaced(encodable(record.title)), spaced(encodable(record.text))
    document = tantivy.Document()
    document.add_text("id", encodable(record.id))
    document.add_text("document", encodable(record.document_id))
    document.add_text("collection", encodable(record.collection))
    for tag in [_tag(tag) for tag in record.tags] or [_UNTAGGED]:
        document.add_text("tags", tag)
    document.add_text("digest", record.digest)
    document.add_text("title", title)
    document.add_text("body", f"{title}. {text}" if title else text)
    return document


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("id", "document", "collection", "tags", "digest"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("title", "body"):
        builder.add_text_field(name, stored=True, tokenizer_name=ANALYSER)
    return builder.build()


def _analyser() -> tantivy.TextAnalyzer:
    steps = (Step.remove_long(80), Step.lowercase(), Step.ascii_fold(), Step.stemmer("english"))
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in steps:
        builder = builder.filter(step)
    return builder.build()


def _tag(tag: str) -> str:
    return "#" + encodable(tag)
