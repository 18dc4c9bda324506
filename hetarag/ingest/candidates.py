"""The names of each sentence: what spaCy and the rules found, put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hetarag.ingest.mentions import Titled
from hetarag.ingest.names import Name, at_head, dates, phrases, quoted, titles, without_opener
from hetarag.text import name_key

Span = tuple[int, int]


def candidates(
    text: str, spans: Sequence[Span], given: Sequence[Name], titled: Titled
) -> dict[Span, list[Name]]:
    """Return the names of each sentence in their order.

    The title, dates and quoted names go before spaCy's spans, and those before the capitalised
    phrases; what overlaps an earlier one is left out, but for a phrase that spaCy cut short.
    """
    ruled = _ruled(text, spans, titled.words)
    found: dict[Span, list[Name]] = {}
    waiting = iter(sorted(given))
    ahead = next(waiting, None)
    for start, end in spans:
        own = []
        while ahead is not None and ahead.start < end:
            own += [ahead] if start <= ahead.start and ahead.end <= end else []
            ahead = next(waiting, None)
        sure = [*titles(text, start, end, titled.name), *dates(text, start, end)]
        sure = _without_overlap([*sure, *quoted(text, start, end)])
        kept = _without_overlap([*sure, *own])
        longer = [n for n in ruled[start, end] if _is_cut_short(n, kept[len(sure) :], sure)]
        found[start, end] = sorted([*_without_overlap([*kept, *ruled[start, end]]), *longer])
    return found


def _ruled(text: str, spans: Sequence[Span], title_words: frozenset[str]) -> dict[Span, list[Name]]:
    """Return the capitalised phrases of each sentence, those at its head judged."""
    found = {(a, b): [] if _is_shouted(text, a, b) else list(phrases(text, a, b)) for a, b in spans}
    supported = set(title_words)
    for (start, _), names in found.items():
        for name in names:
            words = text[name.start : name.end].split()
            supported.update(name_key(word) for word in words[at_head(text, name, start) :])
    for span, names in found.items():
        if names and at_head(text, names[0], span[0]):
            judged = without_opener(text, names[0], supported)
            found[span] = [*([judged] if judged else []), *names[1:]]
    return found


def _is_shouted(text: str, start: int, end: int) -> bool:
    """Tell whether a sentence is all capitals, so that capitals say nothing in it."""
    sentence = text[start:end]
    return end - start > 30 and sentence.isupper()


def _is_cut_short(phrase: Name, spacy: Sequence[Name], sure: Sequence[Name]) -> bool:
    """Tell whether spaCy found only a part of a phrase, and nothing else lies over it."""
    if _overlaps(phrase, sure):
        return False
    over = [name for name in spacy if name.start < phrase.end and phrase.start < name.end]
    size = phrase.end - phrase.start
    return bool(over) and all(
        phrase.start <= n.start and n.end <= phrase.end and n.end - n.start < size for n in over
    )


def _overlaps(name: Name, others: Iterable[Name]) -> bool:
    return any(name.start < other.end and other.start < name.end for other in others)


def _without_overlap(names: Iterable[Name]) -> list[Name]:
    """Keep each name that does not overlap an earlier one of the list."""
    kept: list[Name] = []
    for name in names:
        if not _overlaps(name, kept):
            kept.append(name)
    return kept
