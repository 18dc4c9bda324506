"""Layer Fused Decoding as slowly and as plainly as it can be written, in float64.

No cache, no hooks on the fast path's tensors, no closed forms: each step runs a float64 copy of the
model over the whole sequence, takes r_l as h_l less the output of block l's FFN, and writes out the
divergences as sums of p log(p / q).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tests.decoding.tiny_models import FFN_OUTPUT


@dataclass
class Reference:
    layer: int
    iks: dict[int, float]
    f: Tensor
    g: Tensor
    s: Tensor
    kept: set[int]
    token: int


class Slow:
    """A float64 copy of a model that shows h_l, r_l and its logits for a sequence."""

    def __init__(self, name: str, model: Any) -> None:
        self.model = copy.deepcopy(model).double()
        if hasattr(model.config, "num_experts_per_tok"):
            self.model.set_experts_implementation("eager")  # the grouped kernel has no float64
        decoder = self.model.get_decoder()
        self.blocks = decoder.layers
        self.norm = getattr(decoder, "final_layer_norm", None) or decoder.norm
        self.head = self.model.get_output_embeddings()
        self.ffn = FFN_OUTPUT.get(name.split("-")[0], "mlp")

    @torch.no_grad()
    def states(self, ids: Tensor) -> tuple[dict[int, Tensor], dict[int, Tensor], Tensor]:
        """h and r of every layer and the model's logits at the last position of ids (length,)."""
        h: dict[int, Tensor] = {}
        added: dict[int, Tensor] = {}
        hooks = []
        for i, block in enumerate(self.blocks, 1):
            hooks.append(block.register_forward_hook(_keep(h, i)))
            hooks.append(getattr(block, self.ffn).register_forward_hook(_keep(added, i)))
        logits = self.model(ids[None], use_cache=False).logits[0, -1]
        for hook in hooks:
            hook.remove()
        return h, {i: h[i] - added[i] for i in h}, logits

    @torch.no_grad()
    def step(self, ids: Tensor, layers: list[int], **settings: Any) -> Reference:
        """What one step of layer fusion must give after the sequence ids (length,)."""
        h, r, logits = self.states(ids)
        p = {x: self.head(self.norm(h[x])) for x in layers}
        q = {x: self.head(self.norm(r[x])) for x in layers}
        g = p if settings.get("fuse_normed", False) else {x: self.head(h[x]) for x in layers}
        return fuse(logits, p, q, g, **settings)


def fuse(
    logits: Tensor,
    p_logits: dict[int, Tensor],
    q_logits: dict[int, Tensor],
    g_logits: dict[int, Tensor],
    score: str = "paper",
    fuse_normed: bool = False,
    relative_top: float = 0.1,
    weight: float = 1.0,
    layer: int | None = None,
) -> Reference:
    """The rule, given the logits of one row."""
    iks = {x: divergence(score, p_logits[x], q_logits[x]) for x in p_logits}
    chosen = min(sorted(iks), key=lambda x: iks[x]) if layer is None else layer
    f = logits.double().log_softmax(-1)
    g = g_logits[chosen].double().log_softmax(-1)
    threshold = f.max() + torch.log(torch.tensor(relative_top, dtype=torch.float64))
    kept = {v for v in range(len(f)) if f[v] >= threshold}
    s = torch.full_like(f, -torch.inf)
    for v in kept:
        s[v] = f[v] + weight * g[v]
    return Reference(chosen, iks, f, g, s, kept, int(s.argmax()))


def divergence(score: str, p_logits: Tensor, q_logits: Tensor) -> float:
    p, q = p_logits.double().log_softmax(-1), q_logits.double().log_softmax(-1)
    m = torch.logaddexp(p, q) - torch.log(torch.tensor(2.0, dtype=torch.float64))
    if score == "paper":
        return (kl(m, p) + kl(m, q)) / (2 * len(p))
    return (kl(p, m) + kl(q, m)) / 2


def kl(p: Tensor, q: Tensor) -> float:
    """Kullback-Leibler divergence of two distributions given by their logarithms."""
    return (p.exp() * (p - q)).sum().item()


def _keep(into: dict[int, Tensor], layer: int) -> Any:
    def hook(_: Any, __: Any, output: Any) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        into[layer] = tensor[0, -1] if tensor.dim() == 3 else tensor[-1]

    return hook
