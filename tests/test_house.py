"""What keeps the house easy to enter: short files, small folders, imports without circles."""

from __future__ import annotations

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("hetarag", "benchmarks", "training", "tests")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
LONGEST = 400
MOST_IN_A_FOLDER = 20


def module_of(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_by(tree: ast.Module, known: set[str]) -> set[str]:
    """The modules that a file loads as it is imported: what functions import later does not count."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= inner or {node.module}
    return found & known


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_is_too_long_to_read_at_once(room: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in FILES
        if path.is_relative_to(ROOT / room)
    }
    assert {path: n for path, n in lengths.items() if n > LONGEST} == {}


def test_no_folder_holds_too_much() -> None:
    counted = Counter(path.parent.relative_to(ROOT) for path in FILES if path.name != "__init__.py")
    assert {str(path): n for path, n in counted.items() if n > MOST_IN_A_FOLDER} == {}


def test_imports_run_in_no_circle() -> None:
    modules = {module_of(path): path for path in FILES if not path.is_relative_to(ROOT / "tests")}
    known = set(modules)
    loads = {
        name: loaded_by(ast.parse(path.read_text("utf-8")), known) - {name}
        for name, path in modules.items()
    }
    try:
        tuple(TopologicalSorter(loads).static_order())
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' -> '.join(error.args[1])}")


def test_a_circle_would_be_found() -> None:
    loads = {"a": loaded_by(ast.parse("from b import x"), {"a", "b"}), "b": {"a"}}
    with pytest.raises(CycleError):
        tuple(TopologicalSorter(loads).static_order())
