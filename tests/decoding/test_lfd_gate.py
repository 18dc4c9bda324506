"""A gate that needs f alone is asked before any layer is read, and changes nothing else."""

from __future__ import annotations

import math

import pytest
import torch

from hetarag.decoding import Greedy, LayerFusion, Unsure, decoding, layer_fused
from tests.decoding.tiny_models import make, prompt, shared


@pytest.mark.parametrize(("name", "below"), [("llama", 0.6), ("gemma2", 0.2), ("gpt_neox", 0.6)])
@pytest.mark.parametrize("rows", [1, 3])
def test_asking_first_gives_what_reading_first_gives(name: str, below: float, rows: int) -> None:
    model, ids = shared(name), prompt(rows)
    outputs = []
    gate = Unsure(below)
    for asked_first in (gate, lambda f, g: gate(f, g)):
        fusion = LayerFusion(fuse_normed=True, weight=0.5, gate=asked_first)
        with layer_fused(model, fusion) as trace:
            out = model.generate(
                ids, max_new_tokens=10, output_logits=True, return_dict_in_generate=True
            )
        outputs.append((out.sequences, torch.stack(out.logits), trace.steps))
    asked, read = outputs
    assert torch.equal(asked[0], read[0])
    torch.testing.assert_close(asked[1], read[1], rtol=1e-4, atol=1e-4)
    closed = 0
    for first, second in zip(asked[2], read[2], strict=True):
        assert first.changed == second.changed
        if first.layers is None:
            closed += 1
            assert first.iks is None
            assert first.top_other is None
            assert all(row[0].score >= math.log(below) for row in first.top_final)
        else:
            assert first.layers == second.layers
    assert 0 < closed < 10 or rows > 1, "else nothing of this is seen"


def test_f_is_what_greedy_decoding_computes_to_the_bit() -> None:
    """bfloat16 products of several rows round otherwise than those of one."""
    model = make("qwen2").to(torch.bfloat16)
    ids = prompt()
    with decoding(model, Greedy()) as greedy:
        model.generate(ids, max_new_tokens=8)
    unfused = LayerFusion(fuse_normed=True, weight=0.0, relative_top=0.0, gate=Unsure(1.0))
    with layer_fused(model, unfused) as trace:
        model.generate(ids, max_new_tokens=8)
    assert any(step.layers for step in trace.steps)
    assert [s.top_final for s in trace.steps] == [s.top_final for s in greedy.steps]
