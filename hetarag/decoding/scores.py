"""Divergences between two distributions over the vocabulary, in closed forms that float32 can hold.

With u = log P - log Q, x = u / 2 and M = (P + Q) / 2, log M - (log P + log Q) / 2 = log cosh x, so

    paper   (KL(M||P) + KL(M||Q)) / (2V) = sum M log cosh x / V
    jsd     (KL(P||M) + KL(Q||M)) / 2    = sum M (x tanh x - log cosh x)

`paper` is what the released code of arXiv 2508.19614 computes: it calls `kl_div` with its arguments
the other way round, so it is not the textbook divergence. The closed forms are off by about 1e-6
relative in float32, where the sums of logarithms as written above are off by about 1e-3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Score = Literal["paper", "jsd"]

_LARGE = 20.0
"""From here on log cosh x = |x| - log 2 in float32, and before sinh^2 x overflows."""


def on_host(tensor: Tensor) -> bool:
    """Tell whether the processor computes with `tensor`, step by step as written."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()


def score(kind: Score, p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """Return the divergence of softmax(p_logits) and softmax(q_logits).

    Shapes: (..., V) twice, broadcast, of any floating dtype, to (...), float32 (float64 for
    float64 logits). Unit: nats, and nats / V for `paper`. Neither argument is changed.

    A GPU does all in few large operations. On a CPU those take fresh memory of the system each
    time, some 5,000 pages a step of six candidates, which costs more than their arithmetic: there
    candidates are scored one after the other, in memory that is there already.
    """
    if on_host(q_logits) and q_logits.dim() > 2:
        p_all, q_all = torch.broadcast_tensors(p_logits, q_logits)  # type: ignore[no-untyped-call]
        pairs = zip(p_all.unbind(-2), q_all.unbind(-2), strict=True)
        return torch.stack([_score(kind, p, q) for p, q in pairs], -1)
    return _score(kind, p_logits, q_logits)


def _score(kind: Score, p_logits: Tensor, q_logits: Tensor) -> Tensor:
    wide = torch.float64 if p_logits.dtype == torch.float64 else torch.float32
    log_p = torch.log_softmax(p_logits, -1, dtype=wide)
    log_q = torch.log_softmax(q_logits, -1, dtype=wide)
    x = (log_p - log_q).mul_(0.5)
    # The logarithms are this function's own, so they can turn into the probabilities in place.
    m = (log_p.exp_() + log_q.exp_()).mul_(0.5)
    total = m.mul_(_FORMS[kind](x)).sum(-1)
    return total / p_logits.shape[-1] if kind == "paper" else total


def _log_cosh(x: Tensor) -> Tensor:
    """0.5 log1p(sinh^2 x): exact for small x, where log(cosh x) cancels; linear for large."""
    size = x.abs()
    beyond = (size - _LARGE).clamp_(min=0)
    near = size.clamp_(max=_LARGE).sinh_().square_().log1p_().mul_(0.5)
    return near.add_(beyond)


def _jsd_terms(x: Tensor) -> Tensor:
    return x.tanh().mul_(x).sub_(_log_cosh(x))


_FORMS: dict[str, Callable[[Tensor], Tensor]] = {"paper": _log_cosh, "jsd": _jsd_terms}
