"""Names and words in one normal form, so that question, entity and table cell meet on equal terms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import tantivy

# Han and Hiragana: no space tells their words apart, so each sign is one, as in Unicode's own rules.
_ALONE = "\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED = re.compile(f"[{_ALONE}]")
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+(?:['’.&-][^\W_{_ALONE}]+)*", re.UNICODE)
_POSSESSIVE = re.compile(r"['’]s$|['’]$")
_SEPARATORS = re.compile(r"[\W_]+", re.UNICODE)
_ARTICLES = ("the ", "a ", "an ")
_ID = re.compile(r"\S*[\d_/:]\S*")

SECTION = " › "
"""Between a document's title and the headings that a piece of it stands under."""

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "as",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "that",
        "this",
        "these",
        "those",
        "it",
        "its",
        "their",
        "his",
        "her",
        "he",
        "she",
        "they",
        "them",
        "there",
        "than",
        "then",
        "into",
        "over",
        "under",
        "about",
        "between",
        "during",
        "after",
        "before",
        "not",
        "no",
        "any",
        "all",
        "many",
        "much",
        "more",
        "most",
        "some",
        "such",
        "same",
        "other",
        "can",
        "could",
        "may",
        "might",
        "will",
        "would",
        "shall",
        "should",
        "also",
        "if",
        "but",
        "so",
        "up",
        "out",
        "off",
        "only",
        "own",
        "both",
        "each",
        "i",
        "you",
        "we",
        "me",
        "my",
        "your",
        "our",
        "us",
    ]
)


class Word(NamedTuple):
    """A word of a text and its place, in code points."""

    text: str
    start: int
    end: int


class Phrase(NamedTuple):
    """A run of words: its normal form, its place, and how many words it has."""

    key: str
    start: int
    end: int
    size: int


def fold(text: str) -> str:
    """Return `text` without accents, case and compatibility forms."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def encodable(text: str) -> str:
    """Return `text` with lone surrogates, which neither engines nor models take, replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def whole_word_pattern(words: str) -> re.Pattern[str]:
    """Return what finds words where they are not part of a longer one, in any case."""
    return re.compile(rf"(?<!\w){re.escape(words)}(?!\w)", re.IGNORECASE)


def spaced(text: str) -> str:
    """Return `text` with spaces around each sign that is a word of its own."""
    return text if text.isascii() else _UNSPACED.sub(r" \g<0> ", text)


def headed(title: str, section: str | None) -> str:
    """Return the title of a piece of a document: the document's, and the headings above the piece."""
    return f"{title}{SECTION}{section}" if section else title


def is_id(title: str, name: str) -> bool:
    """Tell whether a document's title is the id that stands in where there is none: "hpd-00017", "news/4"."""
    return title == name and bool(_ID.fullmatch(title))


@lru_cache(
    maxsize=1 << 14
)  # a question's phrases are asked for twice, links' names again and again
def name_key(name: str) -> str:
    """Return the normal form under which a name is stored and looked up; may be empty.

    Case, accents, punctuation, a leading article and a possessive ending do not count.
    """
    folded = _POSSESSIVE.sub("", fold(name).strip())
    key = unmarked(folded)
    for article in _ARTICLES:
        if key.startswith(article) and len(key) > len(article) + 1:
            return key.removeprefix(article)
    return key


def unmarked(text: str) -> str:
    """Return `text` with one space for each run of what is no letter or digit, and none at its ends."""
    return _SEPARATORS.sub(" ", text).strip()


def words(text: str) -> list[Word]:
    """Return the words of `text`; inner apostrophes, hyphens and full stops belong to a word.

    Each sign of Han and Hiragana is one.
    """
    return [Word(m.group(), m.start(), m.end()) for m in _WORD.finditer(text)]


def content_words(text: str) -> list[str]:
    """Return the folded words of `text` that carry meaning, in their order."""
    found = (name_key(word.text) for word in words(text))
    return [word for word in found if word and word not in STOP_WORDS]


def phrases(text: str, longest: int = 8) -> Iterator[Phrase]:
    """Yield every run of up to `longest` words, the longest first, then from left to right."""
    found = words(text)
    for size in range(min(longest, len(found)), 0, -1):
        for first in range(len(found) - size + 1):
            start, end = found[first].start, found[first + size - 1].end
            key = name_key(text[start:end])
            if key:
                yield Phrase(key, start, end, size)


def stem(word: str) -> str:
    """Return a folded word without a common English ending; only ever compared with other stems.

    The link ranker's own: with `snowball_stem` in its place it finds less (docs/research/cuts.md).
    """
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


@lru_cache(maxsize=1 << 16)
def snowball_stem(word: str) -> str:
    """Return the stem of a folded word by the English Snowball algorithm, as the full-text store has it."""
    found: list[str] = _snowball().analyze(word)
    return found[0] if found else word


@cache
def _snowball() -> tantivy.TextAnalyzer:
    import tantivy  # for a search; importing hetarag loads no engine

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
    return builder.filter(tantivy.Filter.stemmer("english")).build()


@lru_cache(maxsize=1 << 13)
def stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a short text that carry meaning; titles and names come back often."""
    return distinct_stems(text)


def distinct_stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a text of any length that carry meaning."""
    return frozenset(map(_stem_of, _WORD.findall(text))) - {""}


@lru_cache(maxsize=1 << 16)
def _stem_of(word: str) -> str:
    """The stem of a word as it is written; "" for one that carries no meaning."""
    key = name_key(word)
    return "" if key in STOP_WORDS else stem(key)
