"""DoLa: contrast the last layer with an earlier one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hetarag.decoding.checks import check_model
from hetarag.decoding.families import stack_of
from hetarag.decoding.hooks import Pass
from hetarag.decoding.lfd import keep_plausible, pick
from hetarag.decoding.scores import score
from hetarag.decoding.settings import DoLa
from hetarag.decoding.trace import Record, top_tokens


class DoLaRule:
    """`DoLa` at work on one model: rows h_1..c, read without the final norm."""

    residuals: tuple[int, ...] = ()
    compiles = True

    def __init__(self, model: Any, settings: DoLa, top: int = 5) -> None:
        check_model(model)
        self.settings, self.top = settings, top
        self.layers = settings.layers(len(stack_of(model).blocks))

    def begin(self, expand: int) -> None:
        """Nothing to forget: the layer is chosen at every step."""

    def rows(self, seen: Pass, final: Tensor) -> Tensor:
        """Return h of the candidates, (rows, c, d)."""
        return seen.stacked("h", self.layers, final)

    def fuse(self, seen: Pass, final: Tensor) -> tuple[Tensor, Record]:
        """Return log p_L - log p_l on the plausible tokens, (rows, V) in float32."""
        if seen.extra is None:
            raise RuntimeError("no logits of the layers")  # rows() always asks for some
        early = seen.extra.to(final.device)
        index = torch.zeros(len(final), dtype=torch.long, device=final.device)
        divergences = None
        if len(self.layers) > 1:
            divergences = score("jsd", final[:, None], early)
            index = divergences.argmax(-1)
        f = torch.log_softmax(final, -1, dtype=torch.float32)
        g = torch.log_softmax(pick(early, index), -1, dtype=torch.float32)
        fused = keep_plausible(f, f - g, self.settings.relative_top)
        top_f, top_g, top_s = top_tokens(self.top, f, g, fused)
        return fused, Record(top_f, top_g, top_s, chosen=index, divergences=divergences)
