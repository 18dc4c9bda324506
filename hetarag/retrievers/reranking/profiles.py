"""Which trees judge the candidates of a question: those for titled passages, or those for excerpts.

What a passage of an encyclopedia is about, its title says, and the trees that have learnt from such
passages count on it. A piece of a long document, or of one without a title, is about what stands in it
and above it. What serves the one costs the other, so each kind has an ensemble of its own for each of
the two judgements (docs/research/notes/retrieval.md).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hetarag.errors import ConfigError
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble
from hetarag.text import SECTION, is_id
from hetarag.types import RankedEvidence

RANKER = "ranker.npz"
"""The file of all four ensembles, in the package and as training writes it."""
TITLED = ("titled/first", "titled/second")
EXCERPTS = ("excerpts/first", "excerpts/second")
"""The names of the first and second judgement's ensembles."""


class Trees(NamedTuple):
    """The ensembles of the first and the second judgement."""

    first: TreeEnsemble
    second: TreeEnsemble


class TreesByKind(NamedTuple):
    """The ensembles for titled passages and those for excerpts."""

    titled: Trees
    excerpts: Trees


def trees_for(passages: Collection[RankedEvidence], own: TreesByKind | None = None) -> Trees:
    """Return the ensembles that judge these candidates, all of them by one scale.

    They are the package's unless there are `own` ones.
    """
    excerpts = mostly_excerpts(passages)
    if own is not None:
        return own.excerpts if excerpts else own.titled
    return Trees(*map(packaged, EXCERPTS if excerpts else TITLED))


@cache
def packaged(name: str) -> TreeEnsemble:
    """Return an ensemble that the package carries; all who use it share it."""
    return TreeEnsemble.load(resources.files("hetarag.retrievers.reranking").joinpath(RANKER), name)


def own_trees(path: Path) -> TreesByKind:
    """Read the four ensembles that a user has trained.

    The package's trees learnt from MiniLM's vectors and from passages of encyclopedias.
    `python -m training.link_ranker` writes others, from questions with labels and with any embedder. What such
    trees gain on one kind of documents they may cost on another, so compare before you keep them.

    Raises:
        ConfigError: the file is not there, is none of ours or was trained on other features.
    """
    return TreesByKind(
        *(Trees(*(_own(path, name) for name in kind)) for kind in (TITLED, EXCERPTS))
    )


def _own(path: Path, name: str) -> TreeEnsemble:
    try:
        path = path.expanduser()
        own = TreeEnsemble.load(path, name)
        judged = own.probabilities(np.zeros((1, len(own.names))))  # asks each feature it names
        if not np.isfinite(judged).all():
            raise ValueError("its values are no numbers")
    except FileNotFoundError as error:
        raise ConfigError(
            f"ranker: {path} is not there; python -m training.link_ranker --out {path} writes it"
        ) from error
    except OSError as error:
        raise ConfigError(f"ranker: {path} cannot be read: {error.strerror}") from error
    except Exception as error:  # a file of another kind fails in numpy, zipfile or zlib
        raise ConfigError(f"ranker: {path} holds no ensemble {name!r}: {error}") from error
    if own.names != packaged(name).names:
        raise ConfigError(
            f"ranker: {path} was trained on features that this version does not have: "
            "train the ensembles anew with python -m training.link_ranker"
        )
    return own


def mostly_excerpts(passages: Collection[RankedEvidence]) -> bool:
    """Tell whether most are pieces of texts of several paragraphs, or of such without a title.

    One piece that has a paragraph's end inside, or a heading above it, tells it of all of its document.
    """
    chunks = [passage for passage in passages if passage.kind == "chunk"]
    longer = {passage.document_id for passage in chunks if _is_excerpt(passage)}
    return 2 * sum(chunk.document_id in longer for chunk in chunks) > len(passages)


def _is_excerpt(chunk: RankedEvidence) -> bool:
    return "\n\n" in chunk.text or SECTION in chunk.title or is_id(chunk.title, chunk.document)
