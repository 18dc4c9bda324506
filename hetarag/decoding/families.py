"""Which architectures layer decoding knows, and where each holds what it needs.

`h_l` is the residual stream after block l, the block's output in every family. `r_l` is the stream
after attention was added and before the FFN: where that can be seen differs by family, and a wrong
place gives a wrong number without an error, so what is not listed is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from hetarag.errors import UnsupportedModelError


@dataclass(frozen=True, slots=True)
class Family:
    """Where a block shows r_l: the input of `tap`, or the block's input plus `tap`'s output."""

    how: Literal["input", "add"]
    tap: str
    norm: str = "norm"


_PRE_NORM = Family("input", "post_attention_layernorm")
_SANDWICH_NORM = Family("input", "pre_feedforward_layernorm")

FAMILIES: dict[str, Family] = {
    "llama": _PRE_NORM,
    "mistral": _PRE_NORM,
    "mixtral": _PRE_NORM,
    "phi3": _PRE_NORM,
    "qwen2": _PRE_NORM,
    "qwen3": _PRE_NORM,
    "qwen3_moe": _PRE_NORM,
    "smollm3": _PRE_NORM,
    "gemma2": _SANDWICH_NORM,
    "gemma3_text": _SANDWICH_NORM,
    # Its norms sit after attention and FFN: post_attention_layernorm sees the bare attention output.
    "olmo2": Family("input", "mlp"),
    # Attention and FFN run side by side, so no tensor of the block is r_l. We define it as the
    # block's input plus its attention's output, h_l less the FFN, as in all the others.
    "gpt_neox": Family("add", "post_attention_dropout", "final_layer_norm"),
}
"""`model_type` of the text configuration to its family."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The decoder of a model: its blocks in order, its final norm and its family."""

    blocks: Sequence[nn.Module]
    norm: nn.Module
    family: Family


def stack_of(model: Any) -> Stack:
    """Return the decoder's parts.

    Raises `UnsupportedModelError` where the architecture is not listed in `FAMILIES`.
    """
    config = model.config.get_text_config()
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise UnsupportedModelError(
            f"{type(model).__name__} has model_type {config.model_type!r}, and where its blocks "
            f"hold the residual before the FFN is not known. Known: {', '.join(sorted(FAMILIES))}."
        )
    decoder = model.get_decoder()
    norm = getattr(decoder, family.norm, None)
    blocks = getattr(decoder, "layers", None)
    if norm is None or blocks is None or len(blocks) != config.num_hidden_layers:
        raise UnsupportedModelError(
            f"{type(decoder).__name__} does not have the {config.num_hidden_layers} blocks and the "
            f"final norm that a {config.model_type} has: is it a modified or a sharded pipeline?"
        )
    return Stack(list(blocks), norm, family)
