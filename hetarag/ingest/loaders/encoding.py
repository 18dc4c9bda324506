"""Bytes of unknown encoding become text."""

from __future__ import annotations

import codecs
from typing import NamedTuple

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESSES = ["cp1252", "cp1250", "cp1251", "iso8859_7", "shift_jis", "gb18030", "big5", "euc_kr"]
_SAMPLE = 100_000


class Decoded(NamedTuple):
    """A text, and a warning when its encoding had to be guessed ("" otherwise)."""

    text: str
    warning: str


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Return the text of `data`: by its byte-order mark, as UTF-8, as `declared`, or by a guess."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _replace(data[len(bom) :], encoding)
    if wide := _utf16_without_mark(data):
        return _replace(data, wide)
    try:
        return Decoded(data.decode("utf-8"), "")
    except UnicodeDecodeError as error:
        problem = f"byte 0x{data[error.start]:02X} at offset {error.start}"
    if declared and _known(declared):
        return _replace(data, declared)
    encoding = _guess(data)
    text = data.decode(encoding, "replace")
    return Decoded(
        text,
        f"not valid UTF-8 ({problem}); read as {encoding}: if characters look wrong, save the file "
        "as UTF-8",
    )


def _replace(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, "replace")
    damaged = text.count("\ufffd")
    if not damaged:
        return Decoded(text, "")
    return Decoded(
        text, f"{damaged} characters are not valid {encoding} and were replaced by U+FFFD"
    )


def _utf16_without_mark(data: bytes) -> str | None:
    """Recognise UTF-16 of mostly Latin text: every second byte is zero."""
    sample = data[: _SAMPLE // 2 * 2]
    half = len(sample) // 2
    if half < 2:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.6 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.05:
        return "utf-16-be"
    return None


def _known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _guess(data: bytes) -> str:
    """Return the encoding of bytes that are not UTF-8.

    Text that is UTF-8 but for a few damaged bytes stays UTF-8; other text goes to
    charset-normalizer, with Windows-1252 where it sees no difference.
    """
    position = next((i for i, byte in enumerate(data) if byte > 127), 0)
    sample = data[max(0, position - _SAMPLE // 2) : position + _SAMPLE]
    text = sample.decode("utf-8", "replace")
    if sum(c > "\x7f" and c != "\ufffd" for c in text) > 2 * text.count("\ufffd"):
        return "utf-8"
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=_GUESSES)
    best = matches.best()
    if best is None or "cp1252" in best.could_be_from_charset:
        return "cp1252"
    western = next((m for m in matches if m.encoding == "cp1252"), None)
    if western is not None and western.chaos <= best.chaos:
        return "cp1252"
    return best.encoding
