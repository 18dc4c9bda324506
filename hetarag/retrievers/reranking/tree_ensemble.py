"""A small ensemble of decision trees, evaluated with numpy: no library to load for a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

_PARTS = ("names", "feature", "threshold", "left", "right", "value")
_MOST_NODES = 10  # of one tree: a table of 2 ** nodes values stands for it


class TreeEnsemble:
    """Boosted trees as arrays: node n of tree t asks `feature[t, n] <= threshold[t, n]`.

    `left` and `right` are the next node, or −1 − leaf for a leaf, whose value is `value[t, leaf]`.
    The score is the sum of the leaves over the trees; a sigmoid makes it a probability.

    All distinct questions are asked at once; their answers, read as a binary number, lead to the
    leaf through a table. That is twelve times as fast here as walking all rows down together.
    """

    def __init__(
        self,
        names: Sequence[str],
        feature: Ints,
        threshold: Floats,
        left: Ints,
        right: Ints,
        value: Floats,
    ) -> None:
        if left.shape[1] > _MOST_NODES:
            raise ValueError(f"a tree may have {_MOST_NODES} nodes at most, not {left.shape[1]}")
        self.names = tuple(names)
        self._arrays: dict[str, Any] = {
            "feature": feature,
            "threshold": threshold,
            "left": left,
            "right": right,
            "value": value,
        }
        # Trees mostly ask the same of a feature: each question once, and of each node which one it is.
        questions = np.stack([feature.ravel(), threshold.ravel()])
        distinct, which = np.unique(questions, axis=1, return_inverse=True)
        self._feature, self._threshold = distinct[0].astype(np.int32), distinct[1][:, None]
        self._which = which.reshape(feature.shape).T.copy()
        table = _table(left, right, value)
        self._table = table.ravel()
        self._start = np.arange(len(table), dtype=np.int32)[:, None] * np.int32(table.shape[1])

    @classmethod
    def load(cls, file: Traversable, name: str) -> Self:
        """Load the ensemble of this name from a file that `save_ensembles` wrote; `KeyError` if it lacks it."""
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as data:
            arrays: dict[str, Any] = {part: data[f"{name}/{part}"] for part in _PARTS}
        return cls(names=[str(feature) for feature in arrays.pop("names")], **arrays)

    def arrays(self) -> dict[str, Any]:
        """Return all that the ensemble is made of, by the names of its parts."""
        return {"names": np.array(self.names), **self._arrays}

    def probabilities(self, rows: Floats) -> Floats:
        """Return a probability for each row of features, in the order of `names`."""
        columns = np.ascontiguousarray(rows.T)
        asked = (columns[self._feature] <= self._threshold).astype(np.uint16)
        answers = np.zeros((len(self._start), len(rows)), np.uint16)
        for node, question in enumerate(self._which):
            answers |= asked[question] << node
        total = self._table[self._start + answers].sum(axis=0)
        return np.asarray(1 / (1 + np.exp(-total)), dtype=np.float64)


def save_ensembles(path: Path, ensembles: Mapping[str, TreeEnsemble]) -> None:
    """Write ensembles to one file, for `TreeEnsemble.load`."""
    parts = {
        f"{name}/{part}": array
        for name, ensemble in ensembles.items()
        for part, array in ensemble.arrays().items()
    }
    with path.open("wb") as file:  # numpy would add an ending to a path
        np.savez_compressed(file, **parts)


def _table(left: Ints, right: Ints, value: Floats) -> Floats:
    """Return the value that each tree gives for each combination of answers, (trees, 2 ** nodes)."""
    trees, nodes = left.shape
    answers = np.arange(2**nodes)
    at = np.zeros((trees, len(answers)), np.int32)
    row = np.arange(trees)[:, None]
    for _ in range(nodes):
        node = np.maximum(at, 0)
        yes = (answers >> node) & 1
        at = np.where(at < 0, at, np.where(yes, left[row, node], right[row, node]))
    return np.asarray(value[row, -1 - at], np.float64)
