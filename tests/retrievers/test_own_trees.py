"""Ensembles of a user's own: judged by through a search, and refused where they are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hetarag
from hetarag import HetaRAG
from hetarag.errors import ConfigError
from hetarag.retrievers.reranking.profiles import EXCERPTS, TITLED, packaged
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble, save_ensembles
from hetarag.testing.doubles import HashingEmbedder
from tests.conftest import RULES, Opener

QUESTION = "Which harbour has 4 piers?"
ALL = (*TITLED, *EXCERPTS)


@pytest.fixture
def kb(open_kb: Opener, write_jsonl: Callable[..., Path]) -> Path:
    """A knowledge base with six documents, closed."""
    harbours = [f"Harbour {n}" for n in range(6)]
    with open_kb() as rag:
        rag.ingest(
            [write_jsonl(*({"id": t, "title": t, "text": f"{t} has piers."} for t in harbours))]
        )
        return rag.folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with the package's own ensembles."""
    path = tmp_path / "trees.npz"
    save_ensembles(path, {name: packaged(name) for name in ALL})
    return path


def changed(name: str, **changes: Any) -> TreeEnsemble:
    """Return an ensemble of the package with other arrays."""
    return TreeEnsemble(**{**packaged(name).arrays(), **changes})


def search(kb: Path, ranker: Path | str | None = None) -> list[tuple[str, float]]:
    with HetaRAG.open(kb, RULES, embedder=HashingEmbedder(), ranker=ranker) as rag:
        return [(e.id, e.score) for e in rag.search(QUESTION)]


def test_a_search_is_judged_by_the_trees_of_the_file(kb: Path, file: Path) -> None:
    plain = search(kb)
    assert search(kb, file) == search(kb, str(file)) == plain
    save_ensembles(file, {n: changed(n, value=-packaged(n).arrays()["value"]) for n in ALL})
    order = [i for i, _ in search(kb, file)]
    assert sorted(order) == sorted(i for i, _ in plain)
    assert order != [i for i, _ in plain]


def test_a_file_that_cannot_be_read_says_so_and_locks_nothing(kb: Path, file: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere is not there; python -m training\.link_ranker"):
        search(kb, kb / "nowhere")
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        search(kb, file / "trees")
    with pytest.raises(ConfigError, match="Could not determine home directory"):
        search(kb, "~nobody-of-this-name/trees")
    assert search(kb, file)


def test_a_file_that_lacks_an_ensemble_is_refused(kb: Path, file: Path) -> None:
    save_ensembles(file, {name: packaged(name) for name in ALL[:-1]})
    with pytest.raises(ConfigError, match=f"holds no ensemble '{ALL[-1]}'"):
        search(kb, file)


@pytest.mark.parametrize("content", [b"", b"trees", b"PK\x03\x04" + bytes(40), b"\x80\x04N."])
def test_another_file_is_refused(kb: Path, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="holds no ensemble"):
        search(kb, file)


def test_half_a_file_is_refused(kb: Path, file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match="holds no ensemble"):
        search(kb, file)


def test_trees_that_ask_for_what_is_not_there_are_refused(kb: Path, file: Path) -> None:
    feature = packaged(TITLED[0]).arrays()["feature"].copy()
    feature[0, 0] = 10_000
    others = {name: packaged(name) for name in ALL}
    save_ensembles(file, {**others, TITLED[0]: changed(TITLED[0], feature=feature)})
    with pytest.raises(ConfigError, match="holds no ensemble"):
        search(kb, file)


def test_trees_without_values_are_refused(kb: Path, file: Path) -> None:
    value = packaged(TITLED[0]).arrays()["value"] * np.nan
    others = {name: packaged(name) for name in ALL}
    save_ensembles(file, {**others, TITLED[0]: changed(TITLED[0], value=value)})
    with pytest.raises(ConfigError, match="its values are no numbers"):
        search(kb, file)


def test_trees_of_other_features_are_to_be_trained_anew(kb: Path, file: Path) -> None:
    names = ["colour", *packaged(TITLED[0]).names[1:]]
    others = {name: packaged(name) for name in ALL}
    save_ensembles(file, {**others, TITLED[0]: changed(TITLED[0], names=np.array(names))})
    with pytest.raises(ConfigError, match="features that this version does not have"):
        search(kb, file)


def test_the_trained_parts_stay_below_four_megabytes() -> None:
    files = list(Path(hetarag.__file__).parent.rglob("*.npz"))
    assert {file.name for file in files} == {"ranker.npz", "cross-encoder.npz"}
    assert sum(file.stat().st_size for file in files) < 4_000_000


def test_what_was_trained_takes_little_room() -> None:
    """The wheel carries the trees and the cross-encoder's change, under 4 MB together."""
    trained = list(Path(hetarag.__file__).parent.rglob("*.npz"))
    sizes = {path.name: path.stat().st_size for path in trained}
    print(sizes, f"{sum(sizes.values()):,} bytes in all")  # noqa: T201  # pytest -s shows it
    assert set(sizes) == {"ranker.npz", "cross-encoder.npz"}
    assert sum(sizes.values()) < 4_000_000
