"""DoLa, CAD, AdaCAD and greedy against references of a few lines each."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from hetarag.decoding import CAD, AdaCAD, DoLa, Greedy, decoding
from hetarag.errors import InputError
from tests.decoding.reference import Slow, divergence
from tests.decoding.tiny_models import prompt, shared

OPTIONS = {"output_logits": True, "return_dict_in_generate": True, "do_sample": False}


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt_neox"])
@pytest.mark.parametrize("candidates", ["low", "high", (3,)], ids=str)
def test_dola(name: str, candidates: Any) -> None:
    model, ids = shared(name), prompt(2)
    with decoding(model, DoLa(candidates)) as trace:
        out = model.generate(ids, max_new_tokens=4, **OPTIONS)
    assert trace.method == "dola"
    slow = Slow(name, model)
    for i, step in enumerate(trace.steps):
        for row in range(2):
            h, _, final = slow.states(out.sequences[row, : 7 + i])
            early = {x: slow.head(h[x]) for x in trace.candidates}
            apart = {x: divergence("jsd", final, y) for x, y in early.items()}
            assert step.layers is not None
            layer = step.layers[row]  # near ties: distributions apart all have log 2
            assert apart[layer] == pytest.approx(max(apart.values()), rel=1e-4)
            if len(apart) > 1:
                assert step.divergences is not None
                assert step.divergences[row] == pytest.approx(list(apart.values()), rel=1e-4)
                assert step.divergences[row][trace.candidates.index(layer)] == max(
                    step.divergences[row]
                )
            f, g = final.log_softmax(-1), early[layer].log_softmax(-1)
            s = (f - g).masked_fill(f < f.max() + math.log(0.1), -math.inf)
            torch.testing.assert_close(out.logits[i][row].double(), s, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", [CAD(0.5), CAD(1.0), AdaCAD()], ids=str)
@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_cad_and_adacad(name: str, method: CAD | AdaCAD) -> None:
    model, ids, bare = shared(name), prompt(2, 9), prompt(2, 4, seed=8)
    with decoding(model, method, without_context=bare) as trace:
        out = model.generate(ids, max_new_tokens=4, **OPTIONS)
    slow = Slow(name, model)
    for i, step in enumerate(trace.steps):
        for row in range(2):
            new = out.sequences[row, 9 : 9 + i]
            with_context = slow.states(out.sequences[row, : 9 + i])[2]
            without = slow.states(torch.cat([bare[row], new]))[2]
            alpha = divergence("jsd", with_context, without)
            alpha = method.alpha if isinstance(method, CAD) else alpha
            assert step.alphas is not None
            assert step.alphas[row] == pytest.approx(alpha, rel=1e-4)
            s = (1 + alpha) * with_context - alpha * without
            torch.testing.assert_close(out.logits[i][row].double(), s, rtol=1e-4, atol=2e-4)


def test_cad_by_hand() -> None:
    """Logits 2 and 1 with the context, 1 and 4 without, alpha 1/2: 2.5 and -0.5."""
    other, final = torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0])
    assert torch.lerp(other, final, 1.5).tolist() == [2.5, -0.5]


def test_cad_with_padding_sampling_and_several_calls() -> None:
    model, ids = shared("llama"), prompt(2)
    bare = torch.tensor([[0, 0, 5, 6], [3, 4, 5, 6]])
    mask = (bare > 0).long()
    with decoding(model, CAD(), without_context={"input_ids": bare, "attention_mask": mask}):
        batch = model.generate(ids, max_new_tokens=4, do_sample=False)
        assert torch.equal(model.generate(ids, max_new_tokens=4, do_sample=False), batch)
        drawn = model.generate(ids, max_new_tokens=2, do_sample=True, num_return_sequences=3)
    assert drawn.shape == (6, 9)
    with decoding(model, CAD(), without_context=bare[:1, 2:]):
        assert torch.equal(model.generate(ids[:1], max_new_tokens=4, do_sample=False), batch[:1])
    with decoding(model, CAD(), without_context=bare[:1, 2:]):
        plain = model.generate(ids[:1], max_new_tokens=4, do_sample=False, use_cache=False)
    assert torch.equal(plain, batch[:1])


def test_cad_refuses_what_it_cannot_follow() -> None:
    model = shared("llama")
    with decoding(model, CAD(), without_context=prompt(2)):
        with pytest.raises(InputError, match="beam"):
            model.generate(prompt(2), max_new_tokens=2, num_beams=2)
        with pytest.raises(InputError, match="differ in number"):
            model.generate(prompt(3), max_new_tokens=2)
    bad: Any
    for bad in (torch.tensor([1, 2]), {"ids": prompt()}, {"input_ids": [[1]]}):
        with (
            pytest.raises(InputError, match="token ids"),
            decoding(model, CAD(), without_context=bad),
        ):
            pass


def test_cad_without_a_difference_is_greedy() -> None:
    model, ids = shared("llama"), prompt()
    with decoding(model, AdaCAD(), without_context=ids) as trace:
        out = model.generate(ids, max_new_tokens=4, do_sample=False)
    assert torch.equal(out, model.generate(ids, max_new_tokens=4, do_sample=False))
    assert all(abs(x.alphas[0]) < 1e-5 for x in trace.steps if x.alphas)


def test_greedy_changes_nothing() -> None:
    model, ids = shared("llama"), prompt(2)
    plain = model.generate(ids, max_new_tokens=4, **OPTIONS)
    with decoding(model, Greedy()) as trace:
        out = model.generate(ids, max_new_tokens=4, **OPTIONS)
    assert torch.equal(out.sequences, plain.sequences)
    for a, b in zip(out.logits, plain.logits, strict=True):
        assert torch.equal(a, b)
    step = trace.steps[0]
    assert (step.layers, step.iks, step.top_other, step.changed) == (None, None, None, [False] * 2)
    assert step.top_final == step.top_fused
    assert step.tokens == plain.sequences[:, 7].tolist()
