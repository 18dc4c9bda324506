"""Tiny seeded models of each family, built in memory, and sharp: lm_head and FFN scaled up.

A model as initialised is nearly uniform over its vocabulary, so the plausibility filter would keep
everything and a wrong score would go unnoticed.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import transformers as tf

VOCAB = 199  # no multiple of anything

_COMMON: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 12,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
}
_GROUPED = _COMMON | {"num_key_value_heads": 2, "head_dim": 8}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}

CONFIGS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "llama": (tf.LlamaConfig, _GROUPED),
    "llama-tied": (tf.LlamaConfig, _GROUPED | {"tie_word_embeddings": True}),
    "mistral": (tf.MistralConfig, _GROUPED | {"sliding_window": None}),
    "qwen2": (tf.Qwen2Config, _GROUPED),
    "qwen3": (tf.Qwen3Config, _GROUPED),
    "gemma2": (tf.Gemma2Config, _GROUPED | {"final_logit_softcapping": 15.0}),
    "gemma3": (tf.Gemma3TextConfig, _GROUPED),
    "phi3": (tf.Phi3Config, _COMMON | {"num_key_value_heads": 2}),
    "smollm3": (tf.SmolLM3Config, _GROUPED),
    "gpt_neox": (tf.GPTNeoXConfig, _COMMON),
    "gpt_neox-serial": (tf.GPTNeoXConfig, _COMMON | {"use_parallel_residual": False}),
    "olmo2": (tf.Olmo2Config, _COMMON | {"num_key_value_heads": 2}),
    "mixtral": (tf.MixtralConfig, _GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen3_moe": (tf.Qwen3MoeConfig, _GROUPED | _EXPERTS | {"decoder_sparse_step": 1}),
}

# What a block adds after attention: h_l less this is r_l, whatever the architecture.
FFN_OUTPUT = {
    "gemma2": "post_feedforward_layernorm",
    "gemma3": "post_feedforward_layernorm",
    "olmo2": "post_feedforward_layernorm",
}


def make(name: str, seed: int = 0, sharp: float = 4.0, **changes: Any) -> Any:
    """A fresh model in float32, in eval mode."""
    kind, values = CONFIGS[name]
    torch.manual_seed(seed)
    model = tf.AutoModelForCausalLM.from_config(kind(**(values | changes)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6.0)  # initialised at 0.02: blocks would hardly change the stream
        head = model.get_output_embeddings().weight
        head.copy_(torch.randn_like(head) * sharp / head.shape[1] ** 0.5)
        if name.startswith("gemma"):
            head.mul_(0.6)  # tied to the embeddings, which these models scale by sqrt(d)
    return model.eval()


@functools.cache
def shared(name: str) -> Any:
    """One model for all tests that leave it as it was."""
    return make(name)


def prompt(rows: int = 1, length: int = 7, seed: int = 3) -> torch.Tensor:
    return torch.randint(2, VOCAB, (rows, length), generator=torch.Generator().manual_seed(seed))
