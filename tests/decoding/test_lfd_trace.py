"""What the trace records."""

from __future__ import annotations

import dataclasses
import json

import torch

from hetarag.decoding import LayerFusion, layer_fused
from tests.decoding.tiny_models import prompt, shared


def test_a_step_has_one_entry_per_row_and_is_plain_data() -> None:
    with layer_fused(shared("llama"), LayerFusion(), top=3) as trace:
        shared("llama").generate(prompt(2), max_new_tokens=4)
    assert trace.method == "lfd"
    assert len(trace) == len(trace.steps) == 4
    step = trace.steps[0]
    assert step.layers is not None
    assert step.iks is not None
    assert [len(x) for x in step.iks] == [3, 3]
    for row in range(2):
        scores = dict(zip(trace.candidates, step.iks[row], strict=True))
        assert step.layers[row] == min(scores, key=lambda x: scores[x])
    assert [len(x) for x in step.top_final] == [3, 3]
    assert all(len(x) <= 3 for x in step.top_fused)  # fewer may be plausible
    assert step.changed == [
        f[0].id != s[0].id for f, s in zip(step.top_final, step.top_fused, strict=True)
    ]
    json.dumps(dataclasses.asdict(step), allow_nan=False)


def test_it_holds_tensors_until_it_is_read() -> None:
    """Turning them into numbers at each step would make the host wait for the device."""
    model = shared("llama")
    with layer_fused(model) as trace:
        read, inner = [], torch.Tensor.tolist
        torch.Tensor.tolist = lambda self: read.append(1) or inner(self)  # type: ignore[method-assign]
        try:
            model(prompt(), logits_to_keep=1)
        finally:
            torch.Tensor.tolist = inner  # type: ignore[method-assign]
    assert not read
    assert isinstance(trace.records[0].chosen, torch.Tensor)
    assert isinstance(trace.steps[0].layers, list)


def test_reading_early_does_not_freeze_a_step() -> None:
    model, early = shared("llama"), []
    with layer_fused(model) as trace:
        model.generate(
            prompt(),
            max_new_tokens=2,
            stopping_criteria=[
                lambda ids, scores: (early.append(trace.steps[0].tokens), torch.tensor([False]))[1]
            ],
        )
    assert early == [None, None]
    assert all(x.tokens is not None for x in trace.steps)


def test_calls_follow_each_other_until_cleared() -> None:
    model = shared("llama")
    with layer_fused(model) as trace:
        model.generate(prompt(), max_new_tokens=2)
        model.generate(prompt(2), max_new_tokens=3)
        assert [x.call for x in trace.steps] == [0, 0, 1, 1, 1]
        assert trace.call() == trace.call(1) == trace.steps[2:]
        assert trace.call(0) == trace.call(-2) == trace.steps[:2]
        trace.clear()
        assert trace.steps == trace.call() == []
        model.generate(prompt(), max_new_tokens=1)
    assert [x.call for x in trace.steps] == [2]
    assert trace.steps[0].top_fused[0][0].score > float("-inf")
