"""Ensembles of a user's own: judged by through a search, and refused where they are none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hetarag import HetaRAG
from hetarag.errors import ConfigError
from hetarag.retrievers.reranking.profiles import EXCERPTS, TITLED
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble, packaged
from tests.conftest import Opener

QUESTION = "Which harbour has 4 piers?"


@pytest.fixture
def rag(open_kb: Opener, write_jsonl: Callable[..., Path]) -> HetaRAG:
    harbours = [f"Harbour {n}" for n in range(6)]
    kb = open_kb()
    kb.ingest([write_jsonl(*({"id": t, "title": t, "text": f"{t} has piers."} for t in harbours))])
    return kb


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with the package's own ensembles."""
    path = tmp_path / "trees"
    path.mkdir()
    for name in (*TITLED, *EXCERPTS):
        packaged(name).save(str(path / name))
    return path


def changed(name: str, **changes: Any) -> TreeEnsemble:
    """Return an ensemble of the package with other arrays."""
    known = packaged(name)
    return TreeEnsemble(**{"names": known.names, **known._arrays, **changes})


def test_a_search_is_judged_by_the_trees_of_the_folder(rag: HetaRAG, folder: Path) -> None:
    plain = [(e.id, e.score) for e in rag.search(QUESTION)]
    same = rag.search(QUESTION, settings={"ranker": str(folder)})
    assert [(e.id, e.score) for e in same] == plain
    other = folder.with_name("others")
    folder.rename(other)
    for name in (*TITLED, *EXCERPTS):
        changed(name, value=-packaged(name)._arrays["value"]).save(str(other / name))
    order = [e.id for e in rag.search(QUESTION, settings={"ranker": str(other)})]
    assert sorted(order) == sorted(i for i, _ in plain)
    assert order != [i for i, _ in plain]


def test_a_folder_that_lacks_one_says_what_writes_it(rag: HetaRAG, folder: Path) -> None:
    (folder / EXCERPTS[1]).unlink()
    with pytest.raises(ConfigError, match=rf"{EXCERPTS[1]} is not there; training/link_ranker\.py"):
        rag.search(QUESTION, settings={"ranker": str(folder)})
    with pytest.raises(ConfigError, match=r"search\.ranker.*is not there"):
        rag.search(QUESTION, settings={"ranker": str(folder / "nowhere")})
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        rag.search(QUESTION, settings={"ranker": str(folder / TITLED[0])})
    with pytest.raises(ConfigError, match="Could not determine home directory"):
        rag.search(QUESTION, settings={"ranker": "~nobody-of-this-name/trees"})
    packaged(EXCERPTS[1]).save(str(folder / EXCERPTS[1]))  # mended, it is read
    assert rag.search(QUESTION, settings={"ranker": str(folder)}).hits


def test_a_folder_of_the_settings_is_read_with_the_models(open_kb: Opener, folder: Path) -> None:
    open_kb("a", search={"ranker": str(folder)}).warm_up()
    with pytest.raises(ConfigError, match="is not there"):
        open_kb("b", search={"ranker": str(folder / "nowhere")}).warm_up()


@pytest.mark.parametrize("content", [b"", b"trees", b"PK\x03\x04" + bytes(40), b"\x80\x04N."])
def test_another_file_is_refused(rag: HetaRAG, folder: Path, content: bytes) -> None:
    (folder / TITLED[0]).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{re.escape(TITLED[0])} holds no ensemble of trees"):
        rag.search(QUESTION, settings={"ranker": str(folder)})


def test_half_a_file_is_refused(rag: HetaRAG, folder: Path) -> None:
    content = (folder / TITLED[1]).read_bytes()
    (folder / TITLED[1]).write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match="holds no ensemble of trees"):
        rag.search(QUESTION, settings={"ranker": str(folder)})


def test_trees_that_ask_for_what_is_not_there_are_refused(rag: HetaRAG, folder: Path) -> None:
    feature = packaged(TITLED[0])._arrays["feature"].copy()
    feature[0, 0] = 10_000
    changed(TITLED[0], feature=feature).save(str(folder / TITLED[0]))
    with pytest.raises(ConfigError, match="holds no ensemble of trees"):
        rag.search(QUESTION, settings={"ranker": str(folder)})


def test_trees_without_values_are_refused(rag: HetaRAG, folder: Path) -> None:
    value = packaged(TITLED[0])._arrays["value"] * np.nan
    changed(TITLED[0], value=value).save(str(folder / TITLED[0]))
    with pytest.raises(ConfigError, match="its values are no numbers"):
        rag.search(QUESTION, settings={"ranker": str(folder)})


def test_trees_of_other_features_are_to_be_trained_anew(rag: HetaRAG, folder: Path) -> None:
    names = ["colour", *packaged(TITLED[0]).names[1:]]
    changed(TITLED[0], names=np.array(names)).save(str(folder / TITLED[0]))
    with pytest.raises(ConfigError, match="features that this version does not have"):
        rag.search(QUESTION, settings={"ranker": str(folder)})
