"""The folder of a benchmark run: its configuration and a line per result, kept so that it can go on.

`config.json` says what was run, `results.jsonl` has one JSON object a line. A run that was cut off
goes on where it was; a folder that was made with another configuration is refused, since its lines
would be figures of something else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hetarag.errors import InputError

CONFIG = "config.json"
RESULTS = "results.jsonl"

Entry = Mapping[str, Any]
Key = tuple[Any, ...]


class RunFolder:
    """The lines of a run by the values of `key`; with `folder` None they are kept in memory only.

    Raises `InputError` for a folder that was made with another configuration, or with lines that
    are none.
    """

    def __init__(self, folder: Path | None, config: Mapping[str, Any], key: Sequence[str]) -> None:
        self._folder = folder
        self._key = tuple(key)
        self._lines: dict[Key, Entry] = {}
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        _check(folder, config)
        self.write(CONFIG, json.dumps(config) + "\n")
        if (folder / RESULTS).is_file():
            for entry in read_results(folder):
                self._lines[self._key_of(entry)] = entry

    def __contains__(self, key: Key) -> bool:
        return key in self._lines

    def __getitem__(self, key: Key) -> Entry:
        return self._lines[key]

    def add(self, entry: Entry) -> None:
        """Keep a line, and append it to the folder's results."""
        self._lines[self._key_of(entry)] = entry
        if self._folder is not None:
            with (self._folder / RESULTS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def write(self, name: str, text: str) -> None:
        """Write a further file of the run, such as its summary."""
        if self._folder is not None:
            (self._folder / name).write_text(text, encoding="utf-8")

    def _key_of(self, entry: Entry) -> Key:
        try:
            return tuple(entry[name] for name in self._key)
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{self._folder}: a line of {RESULTS} lacks {', '.join(self._key)}: it is of another "
                "benchmark; give another --run folder"
            ) from error


def read_results(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a run. A last line that was cut off as it was written is taken away."""
    path = folder / RESULTS
    try:
        whole, end, rest = path.read_bytes().rpartition(b"\n")
    except OSError as error:
        raise InputError(
            f"{folder}: no {RESULTS} there: give the --run folder of a benchmark"
        ) from error
    if rest:
        path.write_bytes(whole + end)
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: not a line of a run") from error


def _check(folder: Path, config: Mapping[str, Any]) -> None:
    path = folder / CONFIG
    if not path.is_file():
        if (folder / RESULTS).is_file():
            raise InputError(
                f"{folder}: has {RESULTS} and no {CONFIG} that says how it was made: give another "
                "--run folder"
            )
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON: give another --run folder") from error
    wanted = json.loads(json.dumps(config))
    if before != wanted:
        raise InputError(
            f"{folder}: was made with another configuration: {_difference(before, wanted)}; give "
            "another --run folder"
        )


def _difference(before: Any, wanted: Any, name: str = "") -> str:
    """Say which values differ, each by the names that lead to it."""
    if not isinstance(before, dict) or not isinstance(wanted, dict):
        return f"{name or 'it'} was {json.dumps(before)} and is {json.dumps(wanted)}"
    keys = [key for key in {**before, **wanted} if before.get(key) != wanted.get(key)]
    return ", ".join(
        _difference(before.get(key), wanted.get(key), f"{name}.{key}" if name else key)
        for key in keys
    )
