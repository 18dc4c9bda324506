"""A decoding step compiled as a whole: the model, the rows that ride along, and the fusion.

transformers compiles a model's call by itself where a static cache is decoded on a GPU: the prefill
runs as it is, and each later step is one graph. Left alone, a call compiled before a block was
entered would skip the block's hooks, and one compiled inside would keep them for ever. Here the
hooks are traced into a function of our own, which leaves nothing behind in the model.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch

from hetarag.decoding.hooks import Pass, Rule
from hetarag.decoding.trace import Record
from hetarag.errors import InputError

Call = Callable[..., Any]


class Block(Protocol):
    """The part of a session that a step needs."""

    model: Any
    rule: Rule
    now: Pass | None
    """Where the hooks put what they see."""


def compiled_step(block: Block, config: Any) -> Callable[[dict[str, Any]], tuple[Any, Record]]:
    """Return what turns the inputs of the model's forward into fused scores and a record.

    `config` is generate's `CompileConfig`. What was compiled for a model is kept as long as the
    model, so a later block with the same settings starts at once. The step raises `InputError`
    where it cannot be compiled.
    """
    # In one piece: a step that fell apart would leave graphs with our hooks in shared functions.
    options = {**config.to_dict(), "fullgraph": True}
    compiled = torch.compile(_own(block.model), **options)

    def step(inputs: dict[str, Any]) -> tuple[Any, Record]:
        from torch._dynamo import exc  # not before something is compiled

        nonlocal compiled
        try:
            try:
                scores, tensors = compiled(block, inputs)
            except exc.FailOnRecompileLimitHit:
                # torch keeps a few variants of a function, by settings and shapes: start anew.
                del _STEPS[block.model]
                compiled = torch.compile(_own(block.model), **options)
                scores, tensors = compiled(block, inputs)
        except exc.TorchDynamoException as error:
            raise InputError(
                f"the decoding step could not be compiled ({str(error).splitlines()[0]}): pass "
                "disable_compile=True to generate, or a gate that uses tensor operations alone"
            ) from error
        # Under CUDA graphs the next step writes over this step's results, and the trace stays.
        return scores, Record(*(_copied(x) for x in tensors))

    return step


_STEPS: WeakKeyDictionary[Any, Call] = WeakKeyDictionary()


def _own(model: Any) -> Call:
    """The step's function for one model: torch keeps compiled variants by the function's code."""
    if model not in _STEPS:
        _STEPS[model] = FunctionType(_step.__code__.replace(), _step.__globals__, "step")
    return _STEPS[model]


def _step(block: Block, inputs: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
    """Run one step; plain tensors and tuples go in and out, as they are what a graph returns."""
    now = block.now = Pass(inputs)
    output = block.model.forward(**inputs)
    scores, record = block.rule.fuse(now, output.logits[:, -1])
    block.now = None
    return output.logits[:, -1] if scores is None else scores, record.tensors()


def _copied(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(x.clone() for x in value)
    return None if value is None else value.clone()
