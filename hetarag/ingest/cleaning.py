"""Cleaning of text that all loaders share."""

from __future__ import annotations

import re

from hetarag.types import Page

# Control characters, lone surrogates and non-characters: databases and UTF-8 refuse some of them.
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")


# The look-behind keeps a long run of spaces linear.
_LINE_END_SPACE = re.compile(r"(?<![ \t])[ \t]++(?=\n)")


_MANY_BREAKS = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """Return `text` with plain line ends and spaces and without characters that cannot be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\x0b", "\n").replace("\x0c", "\n\n").replace("\xa0", " ")
    text = _FORBIDDEN.sub("", _INVISIBLE.sub("", text))
    return _MANY_BREAKS.sub("\n\n", _LINE_END_SPACE.sub("", text)).strip()


def one_line(text: str) -> str:
    """Return `text` on one line with single spaces."""
    return " ".join(clean(text).split())


def numbered(noun: str, numbers: list[int]) -> str:
    """Return "row 3" or "rows 3, 4, 5 and 2 more"."""
    shown = ", ".join(map(str, numbers[:5]))
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"{noun}{'s' if len(numbers) > 1 else ''} {shown}{more}"


def join_pages(texts: list[str], first: int = 1) -> tuple[str, tuple[Page, ...]]:
    """Join the texts of pages with blank lines; the first one has the number `first`."""
    pages: list[Page] = []
    position = 0
    for number, text in enumerate(texts, first):
        pages.append(Page(number, position, position + len(text)))
        position += len(text) + 2
    return "\n\n".join(texts), tuple(pages)
