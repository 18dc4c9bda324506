"""The names of each sentence: what spaCy and the rules found, put together."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from hetarag.ingest.chunking.sentences import Span
from hetarag.ingest.entities.mentions import Titled
from hetarag.ingest.entities.name_rules import (
    Name,
    at_head,
    dates,
    name_phrases,
    quoted,
    titles,
    without_opener,
)
from hetarag.text import name_key


def candidates(
    text: str, spans: Sequence[Span], given: Sequence[Name], titled: Titled
) -> dict[Span, list[Name]]:
    """Return the names of each sentence in their order.

    Dates and quoted names go before the title and spaCy's spans, and those before the capitalised
    phrases; what overlaps an earlier one is left out, but for a name of which the earlier one is
    only a part: spaCy often cuts long names short.
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
        sure = _Taken(dates(text, start, end)).add(quoted(text, start, end))
        soft = _Taken(n for n in titles(text, start, end, titled.name) if not sure.over(n))
        soft.add(name for name in own if not sure.over(name))
        longer = _Taken(
            name for name in [*own, *ruled[start, end]] if _is_cut_short(name, soft, sure)
        ).names
        rest = _Taken([*sure.names, *soft.names]).add(ruled[start, end])
        found[start, end] = sorted([*rest.names, *longer])
    return found


def _ruled(text: str, spans: Sequence[Span], title_words: frozenset[str]) -> dict[Span, list[Name]]:
    """Return the capitalised phrases of each sentence, those at its head judged."""
    found = {
        (a, b): [] if _is_shouted(text, a, b) else list(name_phrases(text, a, b)) for a, b in spans
    }
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


def _is_cut_short(phrase: Name, soft: _Taken, sure: _Taken) -> bool:
    """Tell whether title and spaCy cover only parts of a phrase, and nothing else lies over it."""
    over = soft.over(phrase)
    size = phrase.end - phrase.start
    return (
        bool(over)
        and not sure.over(phrase)
        and all(
            phrase.start <= n.start and n.end <= phrase.end and n.end - n.start < size for n in over
        )
    )


class _Taken:
    """Names without overlaps, in the order of the text; hostile sentences hold hundreds."""

    def __init__(self, names: Iterable[Name] = ()) -> None:
        self.names: list[Name] = []
        self.add(names)

    def add(self, names: Iterable[Name]) -> _Taken:
        """Take in each name that does not overlap an earlier one."""
        for name in names:
            if not self.over(name):
                insort(self.names, name)
        return self

    def over(self, name: Name) -> list[Name]:
        """Return the names that overlap `name`."""
        index = bisect_left(self.names, name.start, key=lambda n: n.end)
        found = []
        while index < len(self.names) and self.names[index].start < name.end:
            if self.names[index].end > name.start:
                found.append(self.names[index])
            index += 1
        return found
