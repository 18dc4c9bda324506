"""Names in a sentence by rules: runs of capitalised words, acronyms, quoted names, dates.

Everything here is one pass of a regular expression per document; possessive quantifiers keep
hostile texts linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from hetarag.ingest.wordlists import (
    COMMON_OPENERS,
    GENERIC,
    INSTITUTIONS,
    MONTHS,
    WEEKDAYS,
)
from hetarag.text import STOP_WORDS, name_key

LONGEST_NAME = 8  # words
_UPPER = "".join(chr(c) for c in range(0x250) if chr(c).isupper())
_UPPER += "".join(chr(c) for c in range(0x370, 0x530) if chr(c).isupper())
# A word that begins with a capital, with its inner marks: O'Brien, Forbes- Robertson, U.S., J.
_CAPITAL = (
    rf"(?:(?:[{_UPPER}]\.){{1,4}}(?!\w)"
    rf"|(?:St|Dr|Mr|Mrs|Ms|Mt|Ft|Jr|Sr|Prof|Rev|Gen|Col|Capt|Lt|Sgt|Gov|Sen)\.(?=\s)"
    rf"|(?:[DdOL]['’] ?|[a-z](?=[{_UPPER}]))?[{_UPPER}]\w*+(?:[’'&-]\w++)*+)"
)
_LINK = (
    r"(?:(?:of|on|upon|à|de|del|della|di|da|do|dos|du|des|la|le|van|von|der|den|zu|zum|y|e|al|el|bin"
    r"|ibn|ben|av|af)[ ](?:(?:the|la|las|los|le|der|den|het)[ ])?|&[ ]?|[ ]&[ ]?)"
)
_PHRASE = re.compile(
    rf"(?<![\w'’])(?:The (?={_CAPITAL}))?{_CAPITAL}"
    rf"(?:(?:[ ]|-[ ]?){_LINK}?(?:{_CAPITAL}|\d{{1,4}}(?![\d.,]?\d|\w)))*+"
)
_ADDRESS = re.compile(r"(?:(?:Mr|Mrs|Ms|Dr|Prof|Rev)\.?|Sir|Dame|Professor) (?=\S+ \S)")
_TOKEN = re.compile(r"\S+")
_QUOTE = re.compile('["“”„«»]')
_POSSESSIVE = re.compile(r"['’]s?$")
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d|20)\d\d"
_DATE = re.compile(
    rf"\b(?:(?:{_DAY}[ ]|the[ ]{_DAY}[ ]of[ ])?{_MONTH},?[ ](?:{_DAY},?[ ])?{_YEAR}"
    rf"|{_YEAR}-\d\d-\d\d|{_YEAR})(?![\d%'’s]|[.,]\d)"
)
_NOT_A_YEAR = re.compile(r"(?:[$€£#]|[.,:/]|\bNo\. ?|\d[ ])$")
_UNIT = re.compile(
    r"\s?(?:people|men|women|persons|inhabitants|residents|km|m|ft|feet|metres|meters|miles|mi|kg"
    r"|tons|tonnes|acres|hectares|seats|words|pages|rpm|mm|cm|hp|cc|years|dollars|euros|copies"
    r"|students|employees|members|votes|points|metre|meter|yards|items|rows|times)\b"
)


_NUMBERS = frozenset(["CARDINAL", "ORDINAL", "PERCENT", "MONEY", "QUANTITY", "TIME"])
_BREAK = re.compile('[()\\[\\]{}"“”;:|\n]')


class Name(NamedTuple):
    """A candidate: its place in the text and its kind (NAME, QUOTED, DATE or spaCy's label)."""

    start: int
    end: int
    label: str

    def of(self, text: str) -> str:
        """Return the name as it stands in `text`, with single spaces."""
        return " ".join(text[self.start : self.end].split())


def dates(text: str, start: int, end: int) -> Iterator[Name]:
    """Yield the dates with a year, and the years."""
    for found in _DATE.finditer(text, start, end):
        bare = found.end() - found.start() == 4
        before = text[max(start, found.start() - 5) : found.start()]
        if bare and (_NOT_A_YEAR.search(before) or _UNIT.match(text, found.end(), end)):
            continue
        yield Name(*found.span(), "DATE")


def quoted(text: str, start: int, end: int) -> Iterator[Name]:
    """Yield what stands between quotation marks and is written like a title."""
    marks = [found.start() for found in _QUOTE.finditer(text, start, end)]
    index = 0
    while index + 1 < len(marks):
        first, last = _strip(text, marks[index] + 1, marks[index + 1])
        if last - first <= 100 and _is_titled(text[first:last]):
            yield Name(first, last, "QUOTED")
            index += 1
        index += 1


def name_phrases(text: str, start: int, end: int) -> Iterator[Name]:
    """Yield the runs of capitalised words of one sentence, at most eight words each.

    "Dr. Ada Lovelace" is Ada Lovelace; "Dr. Strange" stays.
    """
    for found in _PHRASE.finditer(text, start, end):
        address = _ADDRESS.match(text, *found.span())
        yield from _split(text, address.end() if address else found.start(), found.end())


def spacy_name(text: str, start: int, end: int, label: str) -> Iterator[Name]:
    """Yield spaCy's entity as a name: numbers dropped, articles and stray marks cut off."""
    if label in _NUMBERS:
        return
    if label == "DATE":
        if re.search(rf"(?<!\d){_YEAR}(?!\d)", text[start:end]):
            yield from dates(text, start, end)
        return
    inner = _BREAK.search(text, start, end)
    if inner is not None:
        end = inner.start()
    start, end = _strip(text, start, end)
    article = re.compile(r"(?:the|an?) ", re.IGNORECASE).match(text, start, end)
    start = article.end() if article else start
    ending = _POSSESSIVE.search(text[start:end])
    end -= len(ending.group()) if ending else 0
    if start < end and not text[start].islower():
        yield Name(start, end, label)


def titles(text: str, start: int, end: int, title: str) -> Iterator[Name]:
    """Yield where the sentence names the document's title word for word."""
    position = text.find(title, start, end) if title else -1
    while position >= 0:
        stop = position + len(title)
        if not (text[position - 1 : position].isalnum() or text[stop : stop + 1].isalnum()):
            yield Name(position, stop, "NAME")
        position = text.find(title, stop, end)


def at_head(text: str, name: Name, start: int) -> bool:
    """Tell whether `name` stands at the head of the sentence that begins at `start`."""
    return name.start == start or not any(c.isalnum() for c in text[start : name.start])


def without_opener(text: str, name: Name, supported: AbstractSet[str]) -> Name | None:
    """Judge a name at the head of a sentence, where every word is capitalised.

    Common opening words are cut off it. A single word stays only when it is `supported` (seen
    capitalised elsewhere, or in the title) or an acronym.
    """
    tokens = list(_TOKEN.finditer(text, name.start, name.end))
    while tokens and _opens(tokens[0].group()):
        if len(tokens) > 1 and name_key(tokens[0].group()) in supported:
            break
        tokens.pop(0)
    if not tokens:
        return None
    word = tokens[0].group()
    if len(tokens) == 1 and not (name_key(word) in supported or _is_acronym(word)):
        return None
    return Name(tokens[0].start(), name.end, name.label)


def is_name(key: str, label: str) -> bool:
    """Tell whether a normalised name can be an entity."""
    if label == "DATE":
        return bool(re.search(r"\d{4}", key))
    words = key.split()
    if len(key) < 2 or len(key) > 120 or not any(c.isalpha() for c in key):
        return False
    if len(words) == 1 and words[0] in GENERIC | MONTHS | WEEKDAYS | COMMON_OPENERS:
        return False
    return not all(w in STOP_WORDS or w.isdigit() or w in MONTHS | WEEKDAYS for w in words)


def _split(text: str, start: int, end: int) -> Iterator[Name]:
    """Cut a run at possessives and after eight words."""
    run = text[start:end]
    if run.count(" ") < LONGEST_NAME and "'" not in run and "’" not in run:
        yield Name(start, end, "NAME")
        return
    first: int | None = None
    count = 0
    tokens = list(_TOKEN.finditer(run))
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        first = token.start() if first is None else first
        count += 1
        ending = _POSSESSIVE.search(token.group())
        owner = ending and not (after and after.group().lower() in INSTITUTIONS)
        if owner or count == LONGEST_NAME or after is None:
            stop = token.end() - (len(ending.group()) if ending else 0)
            if stop > first:
                yield Name(start + first, start + stop, "NAME")
            first, count = None, 0


def _opens(word: str) -> bool:
    folded = name_key(word)
    return folded in STOP_WORDS or folded in COMMON_OPENERS or folded.endswith("ly")


def _is_acronym(word: str) -> bool:
    letters = [c for c in word if c.isalpha()]
    return len(letters) > 1 and all(c.isupper() for c in letters)


def _is_titled(inner: str) -> bool:
    """Tell a title from speech: most of its words are capitalised and no comma ends it."""
    words = inner.split()
    if not words or len(words) > 10 or inner[-1] in ",;(" or inner[0].islower():
        return False
    if not (inner[0].isalnum() or inner[0] in "¡¿#$"):
        return False
    weighty = [w for w in words if w.lower().strip(".,!?'’") not in STOP_WORDS]
    high = sum(not w[0].islower() for w in weighty)
    return bool(weighty) and high * 2 >= len(weighty) and any(c.isalpha() for c in inner)


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] in "'‘,"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in ".,"):
        end -= 1
    return start, end
