"""Gates: at which steps a layer is fused, and how much of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hetarag.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Unsure:
    """Fuse only where the model's best token has a probability under `below`, in (0, 1].

    Where a model is sure, its answer is under way, and a layer that says otherwise breaks words and
    names; where it is not, the layer decides between what the evidence offers.
    """

    below: float = 0.5
    needs_final_only: ClassVar[bool] = True
    """f alone decides, so that where it is closed no layer has to be read."""

    def __post_init__(self) -> None:
        if isinstance(self.below, bool) or not 0 < self.below <= 1:
            raise InputError(f"a gate's probability must lie in (0, 1], not {self.below!r}")

    def __call__(self, f: Tensor, g: Tensor) -> Tensor:  # noqa: ARG002  # the form of every gate
        """Return 1 for the rows to fuse, else 0; f and g are (rows, V) log-probabilities."""
        return f.amax(-1) < math.log(self.below)
