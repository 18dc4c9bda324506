"""Steps that generate compiles, as it does for a static cache on a GPU: traced with the fusion in them.

On a CPU torch's `eager` backend runs what was traced, so that the tests need no compiler.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import CompileConfig

from hetarag.decoding import (
    CAD,
    CustomGenerate,
    DoLa,
    Greedy,
    LayerFusion,
    decoding,
    layer_fused,
)
from hetarag.decoding.compiled import _STEPS
from hetarag.decoding.registry import DEFAULT
from hetarag.errors import InputError
from tests.decoding.reference import Slow
from tests.decoding.test_lfd_exact import compare
from tests.decoding.test_lfd_hooks import untouched
from tests.decoding.tiny_models import make, prompt, shared

STEPS = 6
STATIC: dict[str, Any] = {"max_new_tokens": STEPS, "cache_implementation": "static"}


def compiling(backend: str = "eager") -> dict[str, Any]:
    """Settings of a generate that compiles on a CPU too."""
    config = CompileConfig(backend=backend, mode=None)  # type: ignore[arg-type]
    config._compile_all_devices = True  # type: ignore[assignment]
    return STATIC | {"compile_config": config}


def graphs() -> int:
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


@pytest.fixture(autouse=True)
def forget() -> None:
    torch.compiler.reset()


@pytest.mark.parametrize("name", ["llama", "gemma2", "olmo2", "gpt_neox", "qwen3_moe"])
def test_each_compiled_step_is_the_references(name: str) -> None:
    model, ids = shared(name), prompt(2)
    before = graphs()
    with layer_fused(model) as trace:
        out = model.generate(ids, **compiling(), output_logits=True, return_dict_in_generate=True)
    assert graphs() > before  # windows of Gemma 2's cache are compiled for the length they have
    assert len(trace.steps) == STEPS
    slow = Slow(name, model)
    for i, step in enumerate(trace.steps):
        for row in range(2):
            seen = out.sequences[row, : ids.shape[1] + i]
            compare(step, row, out.logits[i][row], slow.step(seen, [6, 8, 10]), trusted=1e-4)
    assert untouched(model)


@pytest.mark.parametrize(
    "method",
    [LayerFusion(fuse_normed=True), LayerFusion(candidates=(7,)), DEFAULT, DoLa(), Greedy()],
    ids=str,
)
def test_other_methods_compile_too(method: Any) -> None:
    model, ids = shared("llama"), prompt(2)
    with decoding(model, method) as plain:
        expected = model.generate(ids, **STATIC, disable_compile=True)
    before = graphs()
    with decoding(model, method) as trace:
        assert torch.equal(model.generate(ids, **compiling()), expected)
    assert graphs() == before + 1
    for one, other in zip(plain.steps, trace.steps, strict=True):
        assert one.tokens == other.tokens
        assert [x[0].id for x in one.top_fused] == [x[0].id for x in other.top_fused]
        if one.layers is not None:  # the default reads no layer where its gate is closed
            assert one.layers == other.layers


def test_a_later_block_starts_with_what_was_compiled() -> None:
    model, ids = make("llama"), prompt()
    with layer_fused(model):
        first = model.generate(ids, **compiling())
    before = graphs()
    with layer_fused(model):
        assert torch.equal(model.generate(ids, **compiling()), first)
    assert graphs() == before
    with layer_fused(model, LayerFusion(weight=0.0)):
        other = model.generate(ids, **compiling())
    assert graphs() == before + 1
    assert not torch.equal(other, first)
    assert torch.equal(model.generate(ids, **STATIC), other)  # weight 0: greedy


def test_compiled_greedy_before_and_after_is_greedy() -> None:
    model, ids = make("llama"), prompt()
    plain = model.generate(ids, **STATIC)
    assert torch.equal(model.generate(ids, **compiling()), plain)
    with layer_fused(model):
        fused = model.generate(ids, **compiling())
        assert not torch.equal(fused, plain)
    assert torch.equal(model.generate(ids, **compiling()), plain)


@torch._dynamo.config.patch(recompile_limit=2)
def test_more_variants_than_torch_keeps() -> None:
    model, ids = make("llama", num_hidden_layers=4), prompt()
    for weight in (0.0, 0.5, 1.0, 1.5, 2.0):
        with layer_fused(model, LayerFusion(weight=weight)) as trace:
            model.generate(ids, **compiling())
        assert len(trace) == STEPS
    assert model in _STEPS


def test_the_other_doors_compile() -> None:
    model, ids = shared("llama"), prompt(2)
    with layer_fused(model) as trace:
        expected = model.generate(ids, **compiling())
    door, before = CustomGenerate(LayerFusion()), graphs()
    assert torch.equal(model.generate(ids, **compiling(), custom_generate=door), expected)
    assert graphs() == before
    assert [x.iks for x in door.trace.steps] == [x.iks for x in trace.steps]


def test_what_cannot_be_compiled_runs_as_it_is() -> None:
    model, ids = make("llama"), prompt()  # transformers leaves hooks of its own for hidden states
    before = graphs()
    with decoding(model, CAD(), without_context=ids[:, -2:]) as trace:
        model.generate(ids, **compiling())
    assert len(trace) == STEPS
    with layer_fused(model) as fused:
        out = model.generate(
            ids, **compiling(), output_hidden_states=True, return_dict_in_generate=True
        )
    assert len(out.hidden_states) == len(fused) == STEPS
    assert graphs() == before


def test_a_gate_that_cannot_be_compiled_is_said() -> None:
    def looks(f: Tensor, g: Tensor) -> Tensor:
        return torch.ones(len(f)) if f.max().item() > -1 else torch.zeros(len(g))

    model = make("llama")
    with layer_fused(model, LayerFusion(gate=looks)) as trace:
        with pytest.raises(InputError, match="disable_compile=True"):
            model.generate(prompt(), **compiling())
        model.generate(prompt(), **STATIC)
    assert len(trace.call()) == STEPS
    assert untouched(model)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("cache", [{}, {"cache_implementation": "static"}], ids=str)
@pytest.mark.parametrize("name", ["llama", "gpt_neox"])
def test_on_a_gpu(name: str, cache: dict[str, Any]) -> None:
    """Against the reference, with CUDA graphs where generate takes them, and no wait in a step."""
    model, ids = make(name).cuda(), prompt(2).cuda()
    with layer_fused(model) as trace:
        for _ in range(2):  # the second run replays what the first has recorded
            out = model.generate(
                ids, max_new_tokens=12, **cache, output_logits=True, return_dict_in_generate=True
            )
    steps = trace.call()
    assert len(steps) == 12
    slow = Slow(name, make(name))
    for i, step in enumerate(steps):
        for row in range(2):
            ref = slow.step(out.sequences[row, : ids.shape[1] + i].cpu(), [6, 8, 10])
            compare(step, row, out.logits[i][row].cpu(), ref, trusted=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("fusion", [LayerFusion(), DEFAULT], ids=str)
def test_no_step_waits_for_a_gpu(fusion: LayerFusion) -> None:
    model, ids = make("llama").cuda(), prompt(2).cuda()
    with layer_fused(model, fusion) as trace, torch.no_grad():
        cache = model(ids, logits_to_keep=1).past_key_values
        torch.cuda.set_sync_debug_mode("error")
        try:
            for _ in range(3):
                model(ids[:, -1:], past_key_values=cache, logits_to_keep=1)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert len(trace) == 4
