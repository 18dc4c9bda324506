"""The fast path against the slow float64 reference, at every step, for every family."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hetarag.decoding import LayerFusion, Step, layer_fused
from tests.decoding.reference import Reference, Slow, fuse
from tests.decoding.tiny_models import CONFIGS, make, prompt, shared

STEPS = 6
SETTINGS: list[dict[str, Any]] = [
    {},
    {"score": "jsd"},
    {"fuse_normed": True},
    {"score": "jsd", "fuse_normed": True, "weight": 0.5, "relative_top": 0.02},
]


def compare(step: Step, row: int, scores: torch.Tensor, ref: Reference, trusted: float) -> None:
    """One row of a step against the reference; near ties of the layer are not compared."""
    assert step.layers is not None
    assert step.iks is not None
    assert step.iks[row] == pytest.approx(list(ref.iks.values()), rel=trusted)
    best, second = sorted(ref.iks.values())[:2]
    if second - best <= 10 * trusted * best:
        return
    assert step.layers[row] == ref.layer
    assert {v for v in range(len(scores)) if scores[v] > -torch.inf} == ref.kept
    finite = scores > -torch.inf
    torch.testing.assert_close(scores[finite].double(), ref.s[finite], rtol=1e-4, atol=1e-4)
    assert step.top_fused[row][0].id == ref.token
    likeliest = (ref.f == ref.f.max()).nonzero().flatten().tolist()
    assert step.top_final[row][0].id in likeliest  # in half precision logits tie, the bit decides
    if len(likeliest) == 1:
        assert step.changed[row] == (ref.token != likeliest[0])
    assert step.top_other is not None
    top = step.top_other[row][0]  # not compared by id: logits in half precision tie
    assert top.score == pytest.approx(float(ref.g[top.id]), abs=1e-4)
    assert top.score == pytest.approx(float(ref.g.max()), abs=1e-4)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_each_step_is_the_references(name: str, settings: dict[str, Any]) -> None:
    model, ids = shared(name), prompt()
    with layer_fused(model, LayerFusion(**settings)) as trace:
        out = model.generate(
            ids,
            max_new_tokens=STEPS,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
        )
    assert trace.candidates == (6, 8, 10)
    assert len(trace.steps) == STEPS
    slow = Slow(name, model)
    for i, step in enumerate(trace.steps):
        ref = slow.step(out.sequences[0, : ids.shape[1] + i], [6, 8, 10], **settings)
        compare(step, 0, out.logits[i][0], ref, trusted=1e-4)
        assert step.tokens == [int(out.sequences[0, ids.shape[1] + i])] == [ref.token]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_models_are_sharp_and_fusion_matters(name: str) -> None:
    """Else the comparison above could not fail: few tokens kept, several layers chosen."""
    model = shared(name)
    with layer_fused(model) as trace:
        out = model.generate(
            prompt(4), max_new_tokens=8, output_logits=True, return_dict_in_generate=True
        )
    kept = torch.stack(out.logits).gt(-torch.inf).sum(-1).float().mean()
    assert kept < 40
    assert any(any(x.changed) for x in trace.steps)
    assert len({layer for x in trace.steps for layer in x.layers or ()}) > 1


@pytest.mark.parametrize("name", ["llama", "gpt_neox"])
def test_odd_layers_and_ranges_may_be_asked_for(name: str) -> None:
    model, ids = shared(name), prompt()
    with layer_fused(model, LayerFusion(candidates=range(1, 12, 3))) as trace:
        out = model.generate(
            ids, max_new_tokens=3, output_logits=True, return_dict_in_generate=True
        )
    assert trace.candidates == (1, 4, 7, 10)
    slow = Slow(name, model)
    for i, step in enumerate(trace.steps):
        ref = slow.step(out.sequences[0, : ids.shape[1] + i], [1, 4, 7, 10])
        compare(step, 0, out.logits[i][0], ref, trusted=1e-4)


def test_one_candidate_is_fused_without_being_scored() -> None:
    model, ids = shared("llama"), prompt()
    with layer_fused(model, LayerFusion(candidates=(7,))) as trace:
        out = model.generate(
            ids, max_new_tokens=4, output_logits=True, return_dict_in_generate=True
        )
    slow = Slow("llama", model)
    for i, step in enumerate(trace.steps):
        ref = slow.step(out.sequences[0, : ids.shape[1] + i], [7])
        assert step.iks is None
        assert step.layers == [7]
        assert step.top_fused[0][0].id == ref.token
        assert step.top_fused[0][0].score == pytest.approx(float(ref.s.max()), abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_given_the_same_logits(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arithmetic after lm_head is float32, whatever lm_head gives."""
    model = make("qwen2").to(dtype)
    head, products = model.get_output_embeddings(), []
    inner = head.forward

    def watched(states: torch.Tensor) -> torch.Tensor:
        products.append(inner(states))
        return products[-1]

    monkeypatch.setattr(head, "forward", watched)  # below the hooks
    with layer_fused(model) as trace:
        out = model.generate(
            prompt(), max_new_tokens=4, output_logits=True, return_dict_in_generate=True
        )
    assert products[0].dtype == dtype
    for i, step in enumerate(trace.steps):
        final, p, q, g = products[i][0].split([1, 3, 3, 3])
        p_of, q_of, g_of = (dict(zip((6, 8, 10), x, strict=True)) for x in (p, q, g))
        compare(step, 0, out.logits[i][0], fuse(final[0], p_of, q_of, g_of), trusted=1e-4)


def test_a_bias_of_lm_head_counts() -> None:
    model = make("llama")
    head = torch.nn.Linear(32, 199)
    head.weight = model.lm_head.weight
    torch.nn.init.normal_(head.bias, std=2.0)
    model.lm_head = head
    ids = prompt()
    with layer_fused(model) as trace:
        out = model.generate(
            ids, max_new_tokens=3, output_logits=True, return_dict_in_generate=True
        )
    slow = Slow("llama", model)
    for i, step in enumerate(trace.steps):
        ref = slow.step(out.sequences[0, : ids.shape[1] + i], [6, 8, 10])
        compare(step, 0, out.logits[i][0], ref, trusted=1e-4)
