"""Refusals before the first token: models and ways of running them that would go wrong silently."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hetarag.errors import InputError, UnsupportedModelError

Setting = Callable[[str], Any]
"""Reads a generation setting by name; None where it is unset."""


def check_model(model: Any) -> None:
    """Raise `UnsupportedModelError` where the model is not an uncompiled decoder with an lm_head."""
    name = type(model).__name__
    if hasattr(model, "_orig_mod"):
        raise UnsupportedModelError(
            f"{name} is a compiled model, which skips hooks: pass the model it was made from "
            "(model._orig_mod)"
        )
    if hasattr(model, "get_base_model"):
        raise UnsupportedModelError(f"{name} is an adapter: pass model.get_base_model()")
    if not hasattr(getattr(model, "config", None), "get_text_config"):
        raise UnsupportedModelError(f"{name} is not a transformers model with a configuration")
    if model.config.is_encoder_decoder:
        raise UnsupportedModelError(f"{name} is an encoder-decoder: only decoders are supported")
    if model.get_output_embeddings() is None or not hasattr(model, "generate"):
        raise UnsupportedModelError(f"{name} has no lm_head: load it with AutoModelForCausalLM")
    offloaded = getattr(model, "hf_device_map", None) is not None
    if not offloaded and any(x.is_meta for x in model.parameters()):
        raise UnsupportedModelError(f"{name} has weights on the meta device: load them first")
    _check_not_compiled(model, name)


def _check_not_compiled(model: Any, name: str) -> None:
    for path, module in model.named_modules():
        compiled_in_place = getattr(module, "_compiled_call_impl", None) is not None
        if compiled_in_place or hasattr(module.forward, "_torchdynamo_orig_callable"):
            raise UnsupportedModelError(
                f"{path or name} was compiled, and compiled calls skip hooks that came later: "
                "load the model anew and leave it uncompiled"
            )


_REFUSED = {
    "assistant_model": "assisted decoding projects several positions a call",
    "assistant_early_exit": "assisted decoding projects several positions a call",
    "prompt_lookup_num_tokens": "assisted decoding projects several positions a call",
    "use_mtp": "assisted decoding projects several positions a call",
    "prefill_chunk_size": "a prefill in chunks makes several calls of the model for one token",
    "penalty_alpha": "contrastive search runs the model by rules of its own",
    "dola_layers": "that is another decoding method: use hetarag's DoLa settings",
    "constraints": "constrained beam search runs code from the Hub",
    "force_words_ids": "constrained beam search runs code from the Hub",
}


def check_generation(setting: Setting) -> None:
    """Raise `InputError` for a generation setting that layer decoding cannot honour."""
    for name, why in _REFUSED.items():
        if setting(name):
            raise InputError(f"{name} cannot be combined with this decoding: {why}. Leave it out.")
    if setting("guidance_scale") not in (None, 1, 1.0):
        raise InputError(
            f"guidance_scale={setting('guidance_scale')!r} runs the model twice a token, and both "
            "passes would be fused: leave it out, or use CAD"
        )
    if (setting("num_beam_groups") or 1) > 1:
        raise InputError("num_beam_groups > 1 runs code from the Hub: use num_beams alone")
    if setting("cache_implementation") == "paged":
        raise InputError("continuous batching packs positions of many prompts: use another cache")
    for name in ("logits_to_keep", "num_logits_to_keep"):
        if setting(name) not in (None, 1):
            raise InputError(f"{name}={setting(name)!r}: layer decoding reads the last position")
    if isinstance(setting("custom_generate"), str):
        raise InputError("custom_generate names a recipe, which decodes by its own rules: drop it")


def check_processors(processors: Iterable[Any]) -> None:
    """Raise `InputError` for a logits processor that runs the model itself."""
    for processor in processors:
        if hasattr(processor, "get_unconditional_logits"):
            raise InputError(
                f"{type(processor).__name__} runs the model twice a token: leave out guidance_scale"
            )
