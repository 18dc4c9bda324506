"""What happened at each decoding step, kept on the device until somebody reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Best = tuple[Tensor, Tensor]
"""Values and ids of the best tokens, each (rows, top), best first."""


@dataclass(slots=True)
class Record:
    """One step as tensors on the model's device; reading them would make the host wait.

    `final`, `other` and `fused` are the best tokens of f, of g and of s. `iks` and `divergences` are
    (rows, candidates), the rest is (rows,); `chosen` counts the candidates from 0.
    """

    final: Best
    other: Best | None = None
    fused: Best | None = None
    chosen: Tensor | None = None
    iks: Tensor | None = None
    divergences: Tensor | None = None
    alphas: Tensor | None = None
    tokens: Tensor | None = None
    call: int = -1

    def tensors(self) -> tuple[Any, ...]:
        """What `Record` takes, in its order, as a rule left it."""
        return (
            self.final, self.other, self.fused, self.chosen,
            self.iks, self.divergences, self.alphas,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TopToken:
    """A token and its score at one step: a log-probability for f and g, a sum of such for s."""

    id: int
    score: float


@dataclass(frozen=True, slots=True)
class Step:
    """One decoding step: one emitted token per row. Lists have one entry per row."""

    call: int
    """Which `generate` call of the block the step belongs to, from 0."""
    layers: list[int] | None
    """The layer chosen, 1-based; None for methods without layers."""
    iks: list[list[float]] | None
    """Internal knowledge score, rows x candidates; None if nothing was scored at this step."""
    divergences: list[list[float]] | None
    """DoLa's divergence of each candidate from the final layer, in nats."""
    alphas: list[float] | None
    """CAD's and AdaCAD's weight of the context."""
    top_final: list[list[TopToken]]
    """Best tokens of f, the model's own distribution."""
    top_other: list[list[TopToken]] | None
    """Best tokens of g: the chosen layer, or the prompt without context."""
    top_fused: list[list[TopToken]]
    """Best tokens of s, before logits processors and sampling."""
    changed: list[bool]
    """Whether the best token of s is not the best token of f."""
    tokens: list[int] | None
    """The ids emitted; None under beam search, where rows are reordered, and outside generate."""


@dataclass(slots=True)
class DecodingTrace:
    """Every step decoded inside the block, of all `generate` calls in their order.

    Steps hold tensors on the device and become lists when `steps` is read. Not thread safe while
    a call is running.
    """

    method: str
    candidates: tuple[int, ...] = ()
    top: int = 5
    records: list[Record] = field(default_factory=list, repr=False)
    _steps: list[Step] = field(default_factory=list, repr=False)

    @property
    def steps(self) -> list[Step]:
        """The steps so far; reading them waits for the device."""
        for record in self.records[len(self._steps) :]:
            self._steps.append(_to_step(record, self.candidates))
        return list(self._steps)

    def call(self, index: int = -1) -> list[Step]:
        """Return the steps of one `generate` call; by default those of the last one."""
        steps = self.steps
        last = steps[-1].call if steps else -1
        return [x for x in steps if x.call == (index if index >= 0 else last + 1 + index)]

    def clear(self) -> None:
        """Forget all steps: for a block that stays open over many calls."""
        self.records.clear()
        self._steps.clear()

    def emitted(self, first: int, tokens: Tensor) -> None:
        """Note the tokens, (rows, steps), that the steps from `first` on turned into."""
        for record, column in zip(self.records[first:], tokens.unbind(1), strict=True):
            record.tokens = column
        del self._steps[first:]  # read before the tokens were known

    def __len__(self) -> int:
        return len(self.records)


def top_tokens(top: int, *scores: Tensor) -> list[Best]:
    """Return the `top` best tokens of each of the scores, which have the shape (rows, V)."""
    k = min(top, scores[0].shape[-1])
    values, ids = torch.cat([x.float() for x in scores]).topk(k, -1)  # one call costs one launch
    rows = scores[0].shape[0]
    return [(values[i : i + rows], ids[i : i + rows]) for i in range(0, len(values), rows)]


def _to_step(record: Record, candidates: tuple[int, ...]) -> Step:
    fused = record.fused or record.final
    changed = record.final[1][:, 0] != fused[1][:, 0]
    return Step(
        call=record.call,
        layers=None if record.chosen is None else [candidates[i] for i in record.chosen.tolist()],
        iks=None if record.iks is None else record.iks.tolist(),
        divergences=None if record.divergences is None else record.divergences.tolist(),
        alphas=None if record.alphas is None else record.alphas.tolist(),
        top_final=_to_tokens(record.final),
        top_other=None if record.other is None else _to_tokens(record.other),
        top_fused=_to_tokens(fused),
        changed=changed.tolist(),
        tokens=None if record.tokens is None else record.tokens.tolist(),
    )


def _to_tokens(best: Best) -> list[list[TopToken]]:
    """Lists of tokens, without those that the plausibility filter has taken out."""
    values, ids = best[0].tolist(), best[1].tolist()
    return [
        [TopToken(i, v) for i, v in zip(row_ids, row, strict=True) if v != float("-inf")]
        for row_ids, row in zip(ids, values, strict=True)
    ]
