"""Layer Fused Decoding (Sun et al., 2025, arXiv 2508.19614), with the layer chosen per row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hetarag.decoding.checks import check_model
from hetarag.decoding.families import stack_of
from hetarag.decoding.hooks import Pass, project
from hetarag.decoding.scores import on_host, score
from hetarag.decoding.session import Session
from hetarag.decoding.settings import LayerFusion
from hetarag.decoding.trace import DecodingTrace, Record, top_tokens
from hetarag.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Gate = Callable[[Tensor, Tensor], Tensor]


@contextmanager
def layer_fused(
    model: PreTrainedModel,
    fusion: LayerFusion | None = None,
    *,
    top: int = 5,
) -> Iterator[DecodingTrace]:
    """Make `model.generate` decode with layer fusion inside the block, and yield the trace.

    `fusion` defaults to the paper's settings. `top` tokens of f, g and s are kept per step. Steps
    that generate compiles, as it does for a static cache on a GPU, are compiled with the fusion in
    them. The model is untouched after the block.

    Raises `UnsupportedModelError` for a model that cannot be decoded so, and `InputError` for
    layers that it does not have, for a block inside a block and, from `generate`, for a setting
    that cannot be honoured.
    """
    fusion = LayerFusion() if fusion is None else fusion
    rule = LayerFusionRule(model, fusion, top)
    trace = DecodingTrace("lfd", rule.layers, top)
    with Session(model, rule, trace):
        yield trace


class LayerFusionRule:
    """`LayerFusion` at work on one model; the Protocol is `hooks.Rule`.

    Rows added to the product with lm_head, c candidates: N(h_1..c), N(r_1..c) and, unless the
    fusion is normed, h_1..c; one row only once the layer is known.

    On a CPU, where reading f waits for nothing, a gate that needs f alone is asked first, and the
    rows are projected, in a product of their own, only where it is open. f is then what greedy
    decoding computes, to the bit: half-precision products of several rows round otherwise.
    """

    compiles = True

    def __init__(self, model: Any, fusion: LayerFusion, top: int = 5) -> None:
        check_model(model)
        stack = stack_of(model)
        self.fusion, self.top = fusion, _checked_top(top)
        self.layers = fusion.layers(len(stack.blocks))
        # A single candidate is fused without being scored ("LFD fixed"): r is of no use then.
        self.residuals = self.layers if len(self.layers) > 1 else ()
        self._norm = stack.norm
        self._head = model.get_output_embeddings()
        first = getattr(fusion.gate, "needs_final_only", False)
        self._first_gate = fusion.gate if first else None  # asked before any layer is read

    def begin(self, expand: int) -> None:
        """Nothing to forget: each step chooses anew."""

    def rows(self, seen: Pass, final: Tensor) -> Tensor | None:
        """Return the rows to project, (rows, added, d)."""
        if self._asks_first(final):
            return None
        return self._rows(seen, final)

    def _asks_first(self, final: Tensor) -> bool:
        """Whether f decides if layers are read: not where the host would wait for it."""
        return self._first_gate is not None and on_host(final)

    def _rows(self, seen: Pass, final: Tensor) -> Tensor:
        h = seen.stacked("h", self.layers, final)
        if h.shape[1] == 1:
            return self._normed(h) if self.fusion.fuse_normed else h
        r = seen.stacked("r", self.residuals, final)
        scored = self._normed(torch.cat([h, r], 1))
        return scored if self.fusion.fuse_normed else torch.cat([scored, h], 1)

    def fuse(self, seen: Pass, final: Tensor) -> tuple[Tensor, Record]:
        """Return s, (rows, V) in float32, and what happened."""
        f = torch.log_softmax(final, -1, dtype=torch.float32)
        extra = seen.extra
        if extra is None:
            if self._first_gate is None:
                raise RuntimeError("no logits of the layers")  # rows() asks for some then
            if not gate_factor(f, f, self._first_gate).any():
                top_f, top_s = top_tokens(self.top, f, f)
                plausible = keep_plausible(f, f.clone(), self.fusion.relative_top)
                return plausible, Record(top_f, fused=top_s)
            extra = project(self._head, self._rows(seen, seen.h[self.layers[0]]))
        iks, count = None, len(self.layers)
        if count == 1:
            index, g_logits = final.new_zeros(len(final), dtype=torch.long), extra[:, 0]
        else:
            iks = score(self.fusion.score, extra[:, :count], extra[:, count : 2 * count])
            index = iks.argmin(-1)  # ties go to the lowest layer: argmin returns the first
            read = extra[:, :count] if self.fusion.fuse_normed else extra[:, 2 * count :]
            g_logits = pick(read, index)
        g = torch.log_softmax(g_logits.to(final.device), -1, dtype=torch.float32)
        fused = fuse_scores(f, g, self.fusion)
        top_f, top_g, top_s = top_tokens(self.top, f, g, fused)
        return fused, Record(top_f, top_g, top_s, chosen=index, iks=iks)

    def _normed(self, states: Tensor) -> Tensor:
        normed: Tensor = self._norm(states)
        return normed.to(states)


def fuse_scores(f: Tensor, g: Tensor, fusion: LayerFusion) -> Tensor:
    """Return s = f + weight * gate * g where f is plausible, minus infinity elsewhere.

    Shapes: f, g and s (rows, V), log-probabilities in float32. Raises `InputError` for a gate
    whose result is not one factor per row.
    """
    if fusion.gate is None:
        fused = torch.add(f, g, alpha=fusion.weight)
    else:
        fused = torch.addcmul(f, gate_factor(f, g, fusion.gate), g, value=fusion.weight)
    return keep_plausible(f, fused, fusion.relative_top)


def gate_factor(f: Tensor, g: Tensor, gate: Gate) -> Tensor:
    """Return the gate's factor per row, clamped to [0, 1], as (rows, 1).

    Raises `InputError` for a gate whose result is not one factor per row.
    """
    factor = gate(f, g)
    if factor.numel() != len(f):
        raise InputError(
            f"gate must return one factor per row, shape ({len(f)},), not {tuple(factor.shape)}"
        )
    return factor.to(f).clamp(0, 1).view(-1, 1)


def keep_plausible(f: Tensor, scores: Tensor, relative_top: float) -> Tensor:
    """Set scores to minus infinity where f < max f + log(relative_top); `scores` is overwritten."""
    if relative_top == 0:
        return scores
    threshold = f.amax(-1, keepdim=True) + math.log(relative_top)
    return scores.masked_fill_(f < threshold, -math.inf)


def pick(rows: Tensor, index: Tensor) -> Tensor:
    """Take one of (rows, c, n) per row: (rows, n)."""
    index = index.view(-1, 1, 1)
    return rows.gather(1, index.expand(-1, 1, rows.shape[-1]))[:, 0]


def _checked_top(top: int) -> int:
    if top < 1:
        raise InputError(f"top must be at least 1, not {top!r}")
    return top
