"""What a paragraph is about: the name that it opens with, and its other forms.

A title says what all of a document is about. The paragraphs of a long one are about many things, and
each mostly about the name that it begins with: "The Fram was built by …". A heading is a paragraph
too, so a section that is called by a name is about it. Where a name leads to passages, those that are
about it go before those that only mention it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hetarag.ingest.chunking.sentences import Span, paragraphs
from hetarag.ingest.entities.aliases import forms
from hetarag.ingest.entities.name_rules import Name

_BEFORE = re.compile(r"\W*+(?:(?:the|an?)\s\W*+)?", re.IGNORECASE)


class Topic(NamedTuple):
    """What a paragraph is about: its opening name and other forms of it."""

    name: Name
    forms: tuple[str, ...]


def topics(text: str, names: Mapping[Span, Sequence[Name]], titled: bool) -> dict[int, Topic]:
    """Return the topics of paragraphs that open with a name, by where they begin; `names` are by sentence.

    A date is no topic. A `titled` text of a single paragraph has none: its title says what it is about.
    """
    openings = {start for start, _ in paragraphs(text, 0, len(text))}
    if titled and len(openings) < 2:
        return {}
    found = {}
    for span, inside in names.items():
        if span[0] not in openings:
            continue
        opening = [name for name in inside if name.label != "DATE"]
        if opening and _BEFORE.fullmatch(text, span[0], opening[0].start):
            found[span[0]] = Topic(opening[0], tuple(forms(text, span, opening)))
    return found
