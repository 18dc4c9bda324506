"""Which trees judge the candidates of a question: those for titled passages, or those for excerpts.

What a passage of an encyclopedia is about, its title says, and the trees that have learnt from such
passages count on it. A piece of a long document, or of one without a title, is about what stands in it
and above it. What serves the one costs the other, so each kind has an ensemble of its own for each of
the two judgements (docs/notes/retrieval.md).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble, packaged
from hetarag.text import SECTION, is_id
from hetarag.types import RankedEvidence

TITLED = ("ranker-first.npz", "ranker-second.npz")
EXCERPTS = ("ranker-excerpts-first.npz", "ranker-excerpts-second.npz")
"""The files of the first and second judgement's ensembles."""


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


def mostly_excerpts(passages: Collection[RankedEvidence]) -> bool:
    """Tell whether most are pieces of texts of several paragraphs, or of such without a title.

    One piece that has a paragraph's end inside, or a heading above it, tells it of all of its document.
    """
    chunks = [passage for passage in passages if passage.kind == "chunk"]
    longer = {passage.document_id for passage in chunks if _is_excerpt(passage)}
    return 2 * sum(chunk.document_id in longer for chunk in chunks) > len(passages)


def _is_excerpt(chunk: RankedEvidence) -> bool:
    return "\n\n" in chunk.text or SECTION in chunk.title or is_id(chunk.title, chunk.document)
