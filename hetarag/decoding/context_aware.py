"""The methods that layer fusion is measured against, under the same interface and trace.

DoLa: arXiv 2309.03883. CAD: arXiv 2305.14739. AdaCAD: arXiv 2409.07394.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hetarag.decoding.checks import Setting
from hetarag.decoding.hooks import Pass
from hetarag.decoding.scores import score
from hetarag.decoding.settings import CAD, AdaCAD
from hetarag.decoding.trace import Record, top_tokens
from hetarag.errors import InputError

Prompt = Tensor | Mapping[str, Tensor]
"""Token ids, or a tokenizer's output with `input_ids` and, where padded, `attention_mask`."""


class ContextRule:
    """`CAD` and `AdaCAD` at work: a second pass per token over the prompt without its context.

    The second pass has a cache of its own and follows the tokens that the first one emits, so
    sampling, streaming and stopping work; beam search does not, as it reorders only one cache.
    """

    layers: tuple[int, ...] = ()
    residuals: tuple[int, ...] = ()
    compiles = False  # a model's pass inside a model's pass

    def __init__(
        self, model: Any, settings: CAD | AdaCAD, without_context: Prompt, top: int = 5
    ) -> None:
        self.model, self.settings, self.top = model, settings, top
        self._ids, self._mask = _ids_and_mask(without_context)
        self._accepts = inspect.signature(model.forward).parameters
        self.begin(1)

    def begin(self, expand: int) -> None:
        """Go back to the start of the prompt without context."""
        self._cache: Any = None
        self._now = self._mask.repeat_interleave(expand, 0).to(self.model.device)
        self._prompt = self._ids.repeat_interleave(expand, 0).to(self.model.device)

    def check(self, setting: Setting) -> None:
        """Refuse beam search."""
        if (setting("num_beams") or 1) > 1:
            raise InputError("CAD keeps a second cache, which beam search would not reorder")

    def rows(self, seen: Pass, final: Tensor) -> Tensor | None:  # noqa: ARG002
        """No rows."""
        return None

    def fuse(self, seen: Pass, final: Tensor) -> tuple[Tensor, Record]:
        """Return (1 + alpha) logit(c, x) - alpha logit(x), (rows, V) in float32."""
        final = final.float()
        other = self._second_pass(seen, len(final)).to(final)
        alpha = self._alpha(final, other)
        fused = torch.lerp(other, final, 1 + alpha[:, None])
        f, g = final.log_softmax(-1), other.log_softmax(-1)
        top_f, top_g, top_s = top_tokens(self.top, f, g, fused)
        return fused, Record(top_f, top_g, top_s, alphas=alpha)

    def _alpha(self, final: Tensor, other: Tensor) -> Tensor:
        if isinstance(self.settings, AdaCAD):
            return score("jsd", final, other)
        return final.new_full((len(final),), self.settings.alpha)

    def _second_pass(self, seen: Pass, rows: int) -> Tensor:
        """Logits of the next token without the context, (rows, V)."""
        if self._cache is None:
            ids = self._prompt
        else:
            ids = seen.inputs["input_ids"][:, -1:].to(self.model.device)
            self._now = torch.cat([self._now, torch.ones_like(ids)], 1)
        if len(ids) != rows:
            raise InputError(
                f"the prompts and the prompts without context differ in number: {rows} and "
                f"{len(ids)} rows"
            )
        positions = (self._now.cumsum(-1) - 1).clamp_(min=0)[:, -ids.shape[1] :]
        inputs = {"position_ids": positions, "logits_to_keep": 1}
        # forward and not __call__: the hooks of the block belong to the first pass.
        output = self.model.forward(
            input_ids=ids,
            attention_mask=self._now,
            past_key_values=self._cache,
            use_cache=True,
            return_dict=True,
            **{name: value for name, value in inputs.items() if name in self._accepts},
        )
        self._cache = output.past_key_values
        logits: Tensor = output.logits[:, -1]
        return logits


def _ids_and_mask(prompt: Prompt) -> tuple[Tensor, Tensor]:
    ids = prompt if isinstance(prompt, Tensor) else prompt.get("input_ids")
    if not isinstance(ids, Tensor) or ids.dim() != 2 or ids.shape[1] == 0:
        raise InputError(
            "without_context must be token ids of shape (rows, length), or a tokenizer's output "
            "with return_tensors='pt'"
        )
    mask = None if isinstance(prompt, Tensor) else prompt.get("attention_mask")
    return ids, torch.ones_like(ids) if mask is None else mask.to(ids)
