"""Ensembles that a user has trained, in place of those that the package carries.

The package's trees learnt from MiniLM's vectors and from passages of encyclopedias. training/link_ranker.py
writes others, from questions with labels and with any embedder. What such trees gain on one kind of
documents they may cost on another (docs/retrieval.md), so compare before you keep them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hetarag.errors import ConfigError
from hetarag.retrievers.reranking.profiles import EXCERPTS, TITLED, Trees, TreesByKind
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble, packaged


def own_trees(folder: str) -> TreesByKind:
    """Read the four ensembles of a folder.

    Raises:
        ConfigError: a file is not there, is none of ours or was trained on other features.
    """
    return TreesByKind(
        *(Trees(*(_own(folder, name) for name in kind)) for kind in (TITLED, EXCERPTS))
    )


def _own(folder: str, name: str) -> TreeEnsemble:
    path = Path(folder, name)
    try:
        path = path.expanduser()
        own = TreeEnsemble.load(path)
        judged = own.probabilities(np.zeros((1, len(own.names))))  # asks each feature it names
        if not np.isfinite(judged).all():
            raise ValueError("its values are no numbers")
    except FileNotFoundError as error:
        raise ConfigError(
            f"search.ranker: {path} is not there; training/link_ranker.py --out {folder} writes all "
            "ensembles of the link ranker"
        ) from error
    except OSError as error:
        raise ConfigError(f"search.ranker: {path} cannot be read: {error.strerror}") from error
    except Exception as error:  # a file of another kind fails in numpy, zipfile or zlib
        raise ConfigError(f"search.ranker: {path} holds no ensemble of trees: {error}") from error
    if own.names != packaged(name).names:
        raise ConfigError(
            f"search.ranker: {path} was trained on features that this version does not have: "
            "train the ensembles anew with training/link_ranker.py"
        )
    return own
