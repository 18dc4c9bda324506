"""What is read out of questions and what models write: names, and the question itself."""

from __future__ import annotations

import re

_ARTICLE = re.compile("^the ", re.IGNORECASE)


def bare(name: str) -> str:
    """Return a name without its article, which one text gives and another does not."""
    return _ARTICLE.sub("", name)


def first_question(written: str) -> str:
    """Return the first question in what a model has written, or what stands in its place."""
    return re.split(r"(?<=\?)", written.strip().split("\n")[0])[0].strip().strip('"')
