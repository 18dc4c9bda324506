"""A small ensemble of decision trees, evaluated with numpy: no library to load for a search."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


class TreeEnsemble:
    """Boosted trees as arrays: node n of tree t asks `feature[t, n] <= threshold[t, n]`.

    `left` and `right` are the next node, or −1 − leaf for a leaf, whose value is `value[t, leaf]`.
    The score is the sum of the leaves over the trees; a sigmoid makes it a probability.
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
        self.names = tuple(names)
        self._feature = feature
        self._threshold = threshold
        self._left = left
        self._right = right
        self._value = value

    @classmethod
    def load(cls, resource: str) -> Self:
        """Load an ensemble that the package carries."""
        with (
            resources.files("hetarag.retrievers").joinpath(resource).open("rb") as file,
            np.load(file, allow_pickle=False) as data,
        ):
            arrays: dict[str, Any] = {name: data[name] for name in data.files}
        return cls(names=[str(name) for name in arrays.pop("names")], **arrays)

    def save(self, path: str) -> None:
        """Write the ensemble to `path`, for `load`."""
        np.savez_compressed(
            path,
            names=np.array(self.names),
            feature=self._feature,
            threshold=self._threshold,
            left=self._left,
            right=self._right,
            value=self._value,
        )

    def probabilities(self, rows: Floats) -> Floats:
        """Return a probability for each row of features, in the order of `names`."""
        trees = np.arange(len(self._feature))[None, :]
        node = np.zeros((len(rows), len(self._feature)), dtype=np.int32)
        at = np.arange(len(rows))[:, None]
        while (inner := node >= 0).any():
            here = np.maximum(node, 0)
            below = rows[at, self._feature[trees, here]] <= self._threshold[trees, here]
            following = np.where(below, self._left[trees, here], self._right[trees, here])
            node = np.where(inner, following, node)
        total = self._value[trees, -1 - node].sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-total)), dtype=np.float64)
