"""Ensembles that a user has trained, in place of those that the package carries.

The package's trees learnt from MiniLM's vectors and from passages of encyclopedias. tools/train_ranker.py
writes others, from questions with labels and with any embedder. What such trees gain on one kind of
documents they may cost on another (docs/retrieval.md), so compare before you keep them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hetarag.errors import ConfigError
from hetarag.retrievers.excerpts import EXCERPTS, TITLED
from hetarag.retrievers.trees import ensemble


def own_trees(folder: str) -> Path:
    """Return the folder once all four ensembles are read from it.

    Raises:
        ConfigError: a file is not there, is none of ours or was trained on other features.
    """
    path = Path(folder).expanduser()
    for name in (*TITLED, *EXCERPTS):
        try:
            own = ensemble(name, path)
            fits = own.names == ensemble(name).names
            own.probabilities(np.zeros((1, len(own.names))))  # asks for each feature it names
        except FileNotFoundError as error:
            raise ConfigError(
                f"search.ranker: {path / name} is not there; tools/train_ranker.py --out {path} "
                "writes all ensembles of the link ranker"
            ) from error
        except Exception as error:  # a file of another kind fails in numpy, zipfile or zlib
            raise ConfigError(
                f"search.ranker: {path / name} holds no ensemble of trees: {error}"
            ) from error
        if not fits:
            raise ConfigError(
                f"search.ranker: {path / name} was trained on features that this version does not "
                "have: train the ensembles anew with tools/train_ranker.py"
            )
    return path
