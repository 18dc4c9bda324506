"""The head of a Markdown file: `key: value` lines between `---`, or TOML between `+++`."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime

from hetarag.types import MetadataValue

_YAML = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?\n)?\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_PAIR = re.compile(r"([A-Za-z_][\w .-]*?)[ \t]*:(?:[ \t]+(.*))?$")
_LONGEST = 20_000


def split_front_matter(text: str) -> tuple[dict[str, MetadataValue], str, str]:
    """Return (metadata, the rest of the text, a warning or "").

    Of YAML only the scalars of the first level are read; lists and nested parts are left out.
    """
    head = text[:_LONGEST]
    if found := _YAML.match(head):
        values = _scalars(found.group(1) or "")
        if values or not (found.group(1) or "").strip():
            return values, text[found.end() :], ""
    elif found := _TOML.match(head):
        try:
            table = tomllib.loads(found.group(1) or "")
        except tomllib.TOMLDecodeError as error:
            return {}, text, f"its front matter is not valid TOML ({error}) and was kept as text"
        return _plain(table), text[found.end() :], ""
    return {}, text, ""


def scalar(value: str) -> MetadataValue:
    """Return a front-matter value as a number or truth value where it clearly is one."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    value = re.sub(r"\s#.*$", "", value).rstrip()
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if re.fullmatch(r"[+-]?(?:0|[1-9]\d{0,17})", value):
        return int(value)
    if re.fullmatch(r"[+-]?(?:0|[1-9]\d*)\.\d+", value):
        return float(value)
    return value


def _scalars(block: str) -> dict[str, MetadataValue]:
    values: dict[str, MetadataValue] = {}
    for line in block.splitlines():
        pair = _PAIR.match(line)
        if pair is None or not (pair.group(2) or "").strip():
            continue
        value = pair.group(2).strip()
        if value[0] not in "[{|>&*!":
            values[pair.group(1)] = scalar(value)
    return values


def _plain(table: dict[str, object]) -> dict[str, MetadataValue]:
    values: dict[str, MetadataValue] = {}
    for key, value in table.items():
        if isinstance(value, str | int | float | bool):
            values[key] = value
        elif isinstance(value, date | datetime):
            values[key] = value.isoformat()
    return values
