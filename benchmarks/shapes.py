"""Models with random weights in the shapes of well-known ones: time does not depend on weights."""

from __future__ import annotations

from typing import Any

import torch

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama-3-8b": (
        "llama",
        {
            "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
            "max_position_embeddings": 16384,
        },
    ),
    "qwen3-8b": (
        "qwen3",
        {
            "hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32,
            "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 12288,
            "vocab_size": 151936, "max_position_embeddings": 16384,
        },
    ),
    "qwen2.5-0.5b": (
        "qwen2",
        {
            "hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14,
            "num_key_value_heads": 2, "intermediate_size": 4864, "vocab_size": 151936,
            "tie_word_embeddings": True, "max_position_embeddings": 32768,
        },
    ),
    "smollm2-135m": (
        "llama",
        {
            "hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9,
            "num_key_value_heads": 3, "intermediate_size": 1536, "vocab_size": 49152,
            "tie_word_embeddings": True, "max_position_embeddings": 8192,
        },
    ),
    "tiny": (
        "llama",
        {
            "hidden_size": 32, "num_hidden_layers": 6, "num_attention_heads": 2,
            "num_key_value_heads": 1, "intermediate_size": 64, "vocab_size": 199,
            "max_position_embeddings": 512,
        },
    ),
}  # fmt: skip
"""Name to model type and configuration, as published with each model; `tiny` is for tests."""


def build(name: str, dtype: torch.dtype, device: str) -> Any:
    """Return a causal model of the shape `name` with seeded random weights, in eval mode."""
    import transformers

    kind, values = SHAPES[name]
    config = transformers.AutoConfig.for_model(kind, **values)
    torch.manual_seed(0)
    with torch.device(device):
        make: Any = transformers.AutoModelForCausalLM.from_config
        model = make(config, dtype=dtype)
    model.generation_config.eos_token_id = None  # as many tokens as asked for
    return model.eval()
