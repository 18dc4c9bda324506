"""The folder of a run: kept, gone on with, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hetarag.errors import InputError
from hetarag.eval.run_folder import RunFolder

CONFIG = {"corpus": "ships", "search": {"k": 10, "hops": True}}
KEY = ("id", "system")


def test_lines_are_there_again(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run", CONFIG, KEY).add({"id": "1", "system": "plane", "found": ["Gjøa"]})
    again = RunFolder(tmp_path / "run", CONFIG, KEY)
    assert ("1", "plane") in again and ("1", "other") not in again
    assert again["1", "plane"]["found"] == ["Gjøa"]


def test_a_line_that_was_cut_off_is_dropped_and_the_next_one_is_whole(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, CONFIG, KEY)
    run.add({"id": "1", "system": "plane"})
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"id": "2", "sys')
    again = RunFolder(tmp_path, CONFIG, KEY)
    assert ("2", "plane") not in again
    again.add({"id": "2", "system": "plane"})
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["1", "2"]


def test_another_configuration_is_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    RunFolder(tmp_path, CONFIG, KEY)
    other = {"corpus": "ships", "search": {"k": 20, "hops": True}}
    with pytest.raises(InputError, match=r"search\.k was 10 and is 20; give another --run"):
        RunFolder(tmp_path, other, KEY)
    RunFolder(tmp_path, CONFIG, KEY)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("results.jsonl", '{"id": "1", "decoder": "lfd"}\n', "lacks id, system"),
        ("results.jsonl", "nothing\n", "line 1: not a line of a run"),
        ("config.json", "{", "not JSON"),
    ],
)
def test_folders_of_another_make_are_refused(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    RunFolder(tmp_path, CONFIG, KEY)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        RunFolder(tmp_path, CONFIG, KEY)


def test_results_without_a_configuration_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text("")
    with pytest.raises(InputError, match=r"no config\.json"):
        RunFolder(tmp_path, CONFIG, KEY)


def test_without_a_folder_lines_are_in_memory(tmp_path: Path) -> None:
    run = RunFolder(None, CONFIG, KEY)
    run.add({"id": "1", "system": "plane"})
    run.write("table.md", "x")
    assert ("1", "plane") in run
