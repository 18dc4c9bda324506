"""Greedy decoding, as a rule beside the others."""

from __future__ import annotations

import torch
from torch import Tensor

from hetarag.decoding.hooks import Pass
from hetarag.decoding.trace import Record, top_tokens


class GreedyRule:
    """The model's own logits, untouched, with their best tokens in the trace."""

    layers: tuple[int, ...] = ()
    residuals: tuple[int, ...] = ()
    compiles = True

    def __init__(self, top: int = 5) -> None:
        self.top = top

    def begin(self, expand: int) -> None:
        """Nothing to forget."""

    def rows(self, seen: Pass, final: Tensor) -> Tensor | None:  # noqa: ARG002
        """No rows."""
        return None

    def fuse(self, seen: Pass, final: Tensor) -> tuple[None, Record]:  # noqa: ARG002
        """Keep the logits."""
        f = torch.log_softmax(final, -1, dtype=torch.float32)
        return None, Record(top_tokens(self.top, f)[0])
