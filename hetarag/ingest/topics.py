"""What a paragraph is about: the name that it opens with.

A title says what all of a document is about. The paragraphs of a long one are about many things, and
each mostly about the name that it begins with: "The Fram was built by …". A heading is a paragraph
too, so a section that is called by a name is about it. Where a name leads to passages, those that are
about it go before those that only mention it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hetarag.ingest.names import Name
from hetarag.ingest.sentences import Span, paragraphs

_BEFORE = re.compile(r"\W*+(?:(?:the|an?)\s\W*+)?", re.IGNORECASE)


def topics(text: str, names: Mapping[Span, Sequence[Name]]) -> dict[Span, Name]:
    """Return the topic of each sentence that opens a paragraph with a name; `names` are by sentence.

    A date is no topic. A text of a single paragraph has none: its title says what it is about.
    """
    openings = {start for start, _ in paragraphs(text, 0, len(text))}
    if len(openings) < 2:
        return {}
    found = {}
    for (start, end), inside in names.items():
        first = next((name for name in inside if name.label != "DATE"), None)
        if start in openings and first and _BEFORE.fullmatch(text, start, first.start):
            found[start, end] = first
    return found
