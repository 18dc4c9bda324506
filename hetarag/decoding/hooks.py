"""Hooks that watch a model's blocks and let extra rows ride along its product with lm_head.

    block hooks        keep the last position of h_l and r_l
    lm_head pre-hook   appends the rows that the decoding rule wants projected
    lm_head hook       splits their logits off again
    model hook         hands f and those logits to the rule, after the model's own soft-cap

So the head's weights, the largest matrix of many models, are read once per step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from hetarag.decoding.families import Stack
from hetarag.decoding.scores import on_host
from hetarag.decoding.trace import Record
from hetarag.errors import InputError, UnsupportedModelError


@dataclass(slots=True)
class Pass:
    """What one call of the model has shown so far: h and r are (rows, 1, d), the last position."""

    inputs: Mapping[str, Any]
    """Keyword arguments of the model's forward."""
    h: dict[int, Tensor] = field(default_factory=dict)
    r: dict[int, Tensor] = field(default_factory=dict)
    asked: bool = False
    """Whether rows were added to the product with lm_head."""
    extra: Tensor | None = None
    """Logits of the added rows, (rows, added, V)."""

    def stacked(self, kind: str, layers: Iterable[int], like: Tensor) -> Tensor:
        """Return h or r of these layers as (rows, layers, d), on `like`'s device and dtype.

        Raises `UnsupportedModelError` where a hook was not called.
        """
        seen = self.h if kind == "h" else self.r
        missing = [x for x in layers if x not in seen]
        if missing:
            raise UnsupportedModelError(
                f"the model ran without showing {kind} of the layers {missing}: it was compiled "
                "before the block was entered, or its blocks are replaced by a fused kernel. "
                "Pass the uncompiled model."
            )
        # Blocks of a model that is spread over devices lie elsewhere than its head.
        return torch.cat([seen[x].to(like) for x in layers], 1)


class Rule(Protocol):
    """A decoding method at work on one model: which rows it wants projected, and how it fuses.

    It may keep state between passes, but none that belongs to a row: beam search reorders rows.
    """

    layers: tuple[int, ...]
    """Blocks whose output is watched, ascending."""
    residuals: tuple[int, ...]
    """Blocks whose r_l is watched."""
    compiles: bool
    """Whether a step is tensor operations alone, which torch can compile as a whole."""

    def begin(self, expand: int) -> None:
        """Forget everything: new sequences, `expand` adjacent rows of which share a prompt."""
        ...

    def rows(self, seen: Pass, final: Tensor) -> Tensor | None:
        """Return the rows to project beside `final` (rows, d), as (rows, added, d), or None."""
        ...

    def fuse(self, seen: Pass, final: Tensor) -> tuple[Tensor | None, Record]:
        """Return the scores that replace the logits `final`, both (rows, V), or None to keep them.

        `seen.extra` has the logits of the added rows. The record's `call` is set by the session.
        """
        ...


Seen = Callable[[], Pass | None]
"""The pass under way, or None while the hooks should stay out of the way."""


def watch_blocks(stack: Stack, rule: Rule, seen: Seen) -> Iterator[RemovableHandle]:
    """Hook the blocks, so that each pass gets h and r of the layers that the rule asks for.

    Raises `UnsupportedModelError` for a block without its family's parts; yields one by one, so
    that the caller can remove those already there.
    """
    for layer in rule.layers:
        yield _watch_output(stack.blocks[layer - 1], layer, seen)
    for layer in rule.residuals:
        block = stack.blocks[layer - 1]
        tap = getattr(block, stack.family.tap, None)
        if tap is None:
            raise UnsupportedModelError(
                f"block {layer}, a {type(block).__name__}, has no {stack.family.tap}: it was "
                "modified, and where it holds the residual before its FFN is not known"
            )
        if stack.family.how == "input":
            yield _watch_input(tap, layer, seen)
        else:
            yield _watch_input(block, layer, seen)
            yield _add_output(tap, layer, seen)


def project_extra_rows(head: nn.Module, rule: Rule, seen: Seen) -> list[RemovableHandle]:
    """Hook lm_head, so that the rule's rows join its product and leave it before the model goes on.

    Raises `InputError` in a call that projects several positions.
    """

    def join(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        now = seen()
        if now is None:
            return None
        final = args[0]
        if final.dim() != 3 or final.shape[1] != 1:
            raise InputError(
                f"lm_head was called on states of shape {tuple(final.shape)}: layer decoding reads "
                "one position a call. Use generate(), without an assistant model, or pass "
                "logits_to_keep=1."
            )
        with torch.no_grad():
            added = rule.rows(now, final[:, 0])
        if added is None:
            return None
        now.asked = True
        return (_for_product(head, torch.cat([final, added.to(final)], 1)), *args[1:])

    def leave(_: nn.Module, __: tuple[Any, ...], logits: Tensor) -> Tensor | None:
        now = seen()
        if now is None or not now.asked:
            return None
        logits = _dense(logits)
        now.extra = logits[:, 1:]
        return logits[:, :1]

    return [head.register_forward_pre_hook(join), head.register_forward_hook(leave)]


def project(head: nn.Module, rows: Tensor) -> Tensor:
    """Return the head's logits of rows (…, d), outside the model's own call of it."""
    return _dense(head(_for_product(head, rows)))


def _dense(logits: Tensor) -> Tensor:
    return logits.to_dense() if logits.is_mkldnn else logits


def _for_product(head: nn.Module, rows: Tensor) -> Tensor:
    """Choose the kernel of a plain float32 head on a CPU: oneDNN's, by the rows' layout.

    A dense float32 product goes to MKL, which takes over twice as long for 2 to 16 rows as for one
    (0.5B model, V = 151,936: 90 against 39 ms; oneDNN 45 ms). The head itself is called as it is.
    """
    plain = type(head) is nn.Linear and type(head.weight) is nn.Parameter
    if (
        plain
        and on_host(rows)  # a compiler chooses kernels itself
        and rows.dtype == head.weight.dtype == torch.float32
        and not hasattr(head, "_hf_hook")  # accelerate moves arguments, and weights may be away
        and len(head._forward_pre_hooks) == len(head._forward_hooks) == 1  # nobody else looks
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's own
        and not (torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"))
    ):
        return rows.to_mkldnn()
    return rows


def _last(states: Any) -> Tensor:
    """Keep the last position, (rows, 1, d).

    Of several positions a clone, as a view would keep all of a long prompt alive. A single one is
    kept as it is, since a copy for each layer and step is what costs most on the host of a GPU: no
    block writes into its input or output, on which `output_hidden_states` relies as well.
    """
    tensor: Tensor = states[0] if isinstance(states, tuple) else states
    tensor = tensor.detach() if tensor.requires_grad else tensor
    return tensor if tensor.shape[1] == 1 else tensor[:, -1:].clone()


def _watch_output(module: nn.Module, layer: int, seen: Seen) -> RemovableHandle:
    def keep(_: nn.Module, __: Any, output: Any) -> None:
        if (now := seen()) is not None:
            now.h[layer] = _last(output)

    return module.register_forward_hook(keep)


def _watch_input(module: nn.Module, layer: int, seen: Seen) -> RemovableHandle:
    def keep(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if (now := seen()) is not None:
            now.r[layer] = _last(args[0] if args else kwargs["hidden_states"])

    return module.register_forward_pre_hook(keep, with_kwargs=True)


def _add_output(module: nn.Module, layer: int, seen: Seen) -> RemovableHandle:
    def add(_: nn.Module, __: Any, output: Any) -> None:
        if (now := seen()) is not None and layer in now.r:
            now.r[layer] = now.r[layer] + _last(output)

    return module.register_forward_hook(add)
