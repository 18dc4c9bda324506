"""Nothing is left behind, and what cannot work is refused before the first token."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers as tf
from torch import nn

from hetarag.decoding import CAD, CustomGenerate, DoLa, Greedy, LayerFusion, decoding, layer_fused
from hetarag.errors import InputError, UnsupportedModelError
from tests.decoding.tiny_models import make, prompt, shared


def hooks(model: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs")
    return sum(len(getattr(x, kind)) for x in model.modules() for kind in kinds)


def untouched(model: Any) -> bool:
    return hooks(model) == 0 and not {"generate", "_layer_decoding_session"} & set(vars(model))


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt_neox", "qwen3_moe"])
def test_logits_are_bit_identical_afterwards(name: str) -> None:
    model, ids = shared(name), prompt(2)
    with torch.no_grad():
        before = model(ids).logits
        with layer_fused(model):
            model.generate(ids, max_new_tokens=2)
            assert hooks(model) > 0
        assert torch.equal(model(ids).logits, before)
    assert untouched(model)


def test_nothing_is_left_after_exceptions() -> None:
    model, ids = make("llama"), prompt()

    class Fails(tf.LogitsProcessor):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"), layer_fused(model):
        model.generate(ids, max_new_tokens=2, logits_processor=tf.LogitsProcessorList([Fails()]))
    assert untouched(model)
    with pytest.raises(KeyboardInterrupt), layer_fused(model):
        raise KeyboardInterrupt
    assert untouched(model)
    with layer_fused(model) as trace:  # a failed call does not spoil the next
        with pytest.raises(RuntimeError):
            model.generate(
                ids, max_new_tokens=2, logits_processor=tf.LogitsProcessorList([Fails()])
            )
        model.generate(ids, max_new_tokens=2)
        assert len(trace.call()) == 2


def test_nothing_is_left_where_installing_fails() -> None:
    model = make("llama")
    del model.model.layers[7].post_attention_layernorm
    with pytest.raises(UnsupportedModelError, match="modified"), layer_fused(model):
        pass
    assert untouched(model)


def test_a_generate_of_the_models_own_is_put_back() -> None:
    """A repository with a recipe of its own hides the class's method behind an attribute."""
    model = make("llama")

    def recipe(*args: Any, **kwargs: Any) -> str:
        return "recipe"

    model.generate = recipe
    with layer_fused(model):
        assert torch.is_tensor(model.generate(prompt(), max_new_tokens=1))
    assert model.generate is recipe


def test_a_block_inside_a_block_is_refused() -> None:
    model = shared("llama")
    with layer_fused(model), pytest.raises(InputError, match="already inside"), layer_fused(model):
        pass
    assert untouched(model)
    with decoding(model, Greedy()), pytest.raises(InputError, match="already inside"):
        model.generate(prompt(), max_new_tokens=1, custom_generate=CustomGenerate())
    assert untouched(model)


REFUSED_SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"prefill_chunk_size": 4}, "prefill_chunk_size"),
    ({"guidance_scale": 1.5}, "guidance_scale"),
    ({"prompt_lookup_num_tokens": 3}, "assisted"),
    ({"assistant_early_exit": 2}, "assisted"),
    ({"use_mtp": True}, "assisted"),
    ({"penalty_alpha": 0.6, "top_k": 4}, "contrastive"),
    ({"dola_layers": "high"}, "DoLa"),
    ({"num_beams": 4, "num_beam_groups": 2}, "num_beam_groups"),
    ({"force_words_ids": [[5]], "num_beams": 2}, "constrained"),
    ({"cache_implementation": "paged"}, "continuous batching"),
    ({"logits_to_keep": 3}, "logits_to_keep"),
    ({"num_logits_to_keep": 3}, "num_logits_to_keep"),
    ({"custom_generate": "somebody/recipe"}, "recipe"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED_SETTINGS, ids=str)
def test_generation_settings_are_refused_before_the_first_token(
    options: dict[str, Any], message: str
) -> None:
    model = shared("llama")
    with layer_fused(model) as trace, pytest.raises(InputError, match=message):
        model.generate(prompt(), max_new_tokens=4, **options)
    assert len(trace) == 0


@pytest.mark.parametrize(
    ("name", "value"), [("prefill_chunk_size", 4), ("prompt_lookup_num_tokens", 3)]
)
def test_they_are_found_in_configurations_too(name: str, value: Any) -> None:
    model = make("llama")
    config = tf.GenerationConfig(max_new_tokens=2, **{name: value})
    with layer_fused(model), pytest.raises(InputError):
        model.generate(prompt(), generation_config=config)
    setattr(model.generation_config, name, value)
    with layer_fused(model), pytest.raises(InputError):
        model.generate(prompt(), max_new_tokens=2)


def test_an_assistant_model_is_refused() -> None:
    with layer_fused(shared("llama")) as trace, pytest.raises(InputError, match="assistant_model"):
        shared("llama").generate(prompt(), max_new_tokens=4, assistant_model=make("llama", 1))
    assert len(trace) == 0


def test_calls_for_all_positions_are_refused() -> None:
    model = shared("llama")
    with layer_fused(model):
        with pytest.raises(InputError, match="last position"):
            model(prompt())
        with pytest.raises(InputError, match="last position"):
            model(prompt(), logits_to_keep=2)
        with pytest.raises(InputError, match="return_dict"):
            model(prompt(), logits_to_keep=1, return_dict=False)
        model.generate(prompt(), max_new_tokens=1)
    with decoding(model, Greedy()):  # which leaves them alone
        assert model(prompt()).logits.shape[1] == 7


@pytest.mark.parametrize("method", [LayerFusion(candidates=(12,)), DoLa((40,))], ids=str)
def test_layers_outside_the_model_are_refused(method: LayerFusion | DoLa) -> None:
    with pytest.raises(InputError, match="not in this model"), decoding(shared("llama"), method):
        pass


def test_two_blocks_have_no_candidates() -> None:
    model = make("llama", num_hidden_layers=2)
    with pytest.raises(InputError, match="no even layer"), layer_fused(model):
        pass


def tiny(config: Any) -> Any:
    return tf.AutoModelForCausalLM.from_config(config)


SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "vocab_size": 50,
}
T5: dict[str, Any] = {
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 16,
    "num_layers": 2,
    "num_heads": 2,
    "vocab_size": 50,
}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tiny(tf.GPT2Config(n_embd=16, n_layer=4, n_head=2, vocab_size=50)), "gpt2"),
        (lambda: tiny(tf.PhiConfig(**SMALL, intermediate_size=16)), "phi"),
        (lambda: tf.T5ForConditionalGeneration(tf.T5Config(**T5)), "encoder-decoder"),
        (lambda: tf.LlamaModel(tf.LlamaConfig(**SMALL, intermediate_size=16)), "no lm_head"),
        (lambda: nn.Linear(2, 2), "not a transformers model"),
        (lambda: torch.compile(make("llama")), "compiled"),
    ],
    ids=["gpt2", "phi", "t5", "no-head", "not-a-model", "compiled"],
)
def test_models_that_are_refused(build: Any, message: str) -> None:
    model = build()
    with pytest.raises(UnsupportedModelError, match=message), layer_fused(model):
        pass


def test_weights_on_meta_are_refused() -> None:
    with torch.device("meta"):
        model = tf.LlamaForCausalLM(tf.LlamaConfig(**SMALL, intermediate_size=16))
    with pytest.raises(UnsupportedModelError, match="meta"), layer_fused(model):
        pass


@pytest.mark.parametrize("how", ["in place", "forward", "a block", "lm_head"])
def test_compiled_models_are_refused(how: str) -> None:
    model = make("llama")
    if how == "in place":
        model.compile()
    elif how == "forward":
        model.forward = torch.compile(model.forward)
    elif how == "a block":
        model.model.layers[7].compile()
    else:
        model.lm_head.forward = torch.compile(model.lm_head.forward)
    with pytest.raises(UnsupportedModelError, match="compiled"), layer_fused(model):
        pass


def test_a_compiled_call_behind_a_closure_is_noticed() -> None:
    """What skips the hooks without showing that it was compiled: the block never sees a layer."""
    model = make("llama")
    block = model.model.layers[7]
    model.model.layers[7] = Hidden(block)
    with layer_fused(model), pytest.raises(UnsupportedModelError, match="without showing r"):
        model.generate(prompt(), max_new_tokens=1)
    assert untouched(model)


class Hidden(nn.Module):
    """A block as a compiled one behaves: its submodules are never called."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.post_attention_layernorm = nn.Identity()
        object.__setattr__(self, "inner", block)
        self.attention_type = getattr(block, "attention_type", None)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.inner(*args, **kwargs)  # type: ignore[operator]


def test_generate_that_never_calls_the_model_is_noticed() -> None:
    model = make("llama")

    def skips_hooks(model: Any, input_ids: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return input_ids

    with layer_fused(model), pytest.raises(UnsupportedModelError, match="nothing was fused"):
        model.generate(prompt(), max_new_tokens=1, custom_generate=skips_hooks)


def test_methods_and_tops_are_checked() -> None:
    model = shared("llama")
    with pytest.raises(InputError, match="no decoding method"), decoding(model, "greedy"):  # type: ignore[arg-type]
        pass
    with pytest.raises(InputError, match="without_context"), decoding(model, CAD()):
        pass
    with (
        pytest.raises(InputError, match="without_context"),
        decoding(model, Greedy(), without_context=prompt()),
    ):
        pass
    for door in (lambda: layer_fused(model, top=0), lambda: decoding(model, Greedy(), top=0)):
        with pytest.raises(InputError, match="top"), door():
            pass
