"""Subtitles in SubRip's form (.srt): what is said, a paragraph after each pause."""

from __future__ import annotations

import re

from hetarag.ingest.cleaning import clean, one_line
from hetarag.ingest.loaders.encoding import decode
from hetarag.ingest.loaders.formats import Format
from hetarag.ingest.loaders.parsed import Parsed

SRT = Format("srt", "application/x-subrip", (".srt",), "hetarag_plugin_example.subtitles:parse")

_PAUSE = 2.0  # seconds of silence that end a paragraph
_TIME = r"(\d{1,3}):(\d{2}):(\d{2})[,.](\d{1,3})"
_CUE = re.compile(rf"^[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}[^\n]*$", re.MULTILINE)
_MARKUP = re.compile(r"</?[a-zA-Z][^<>\n]{0,100}>|\{\\[^{}\n]{0,100}\}")


def parse(data: bytes) -> Parsed:
    """Read the words of all cues in their order.

    Raises:
        ValueError: there is no cue with words in it.
    """
    text, warning = decode(data)
    text = clean(text)
    cues = list(_CUE.finditer(text))
    paragraphs: list[list[str]] = []
    silent_since = float("-inf")
    for number, cue in enumerate(cues, 1):
        is_last = number == len(cues)
        end_of_block = len(text) if is_last else cues[number].start()
        said = _said(text[cue.end() : end_of_block], is_last)
        start, end = _seconds(cue.groups()[:4]), _seconds(cue.groups()[4:])
        if said and (not paragraphs or start - silent_since > _PAUSE):
            paragraphs.append([])
        if said:
            paragraphs[-1].append(said)
            silent_since = end
    if not paragraphs:
        raise ValueError(
            "it holds no subtitles: each begins with a line such as 00:00:01,000 --> 00:00:02,500"
        )
    return Parsed(
        "\n\n".join(map(" ".join, paragraphs)),
        metadata={"seconds": round(silent_since)},
        warnings=(warning,) if warning else (),
    )


def _said(block: str, is_last: bool) -> str:
    """Return the words of a cue; the number of the next one stands at the end of its block."""
    lines = block.strip().split("\n")
    if not is_last and lines[-1].strip().isdigit():
        lines.pop()
    return one_line(_MARKUP.sub("", " ".join(lines)))


def _seconds(parts: tuple[str, ...]) -> float:
    hours, minutes, seconds, thousandths = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000
