"""The decoding benchmark on a tiny shape: what it measures is there, and what it is given holds."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks import decoding_costs
from benchmarks.decoding_costs import Workload, load_model, methods
from hetarag.decoding import layer_fused
from hetarag.errors import InputError


def test_every_method_is_timed_beside_greedy() -> None:
    model = load_model("tiny", "float32", "cpu")
    names = [*methods()]
    rows = decoding_costs.decoding_costs(model, names, Workload(2, 24, 3), rounds=2)
    assert [row["method"] for row in rows] == names
    assert rows[0]["ratio to greedy"] == 1.0
    assert all(row["ms a token"] > 0 for row in rows)
    assert all(math.isfinite(row["to the floor"]) for row in rows)
    assert "generate" not in model.__dict__  # every block was left


def test_each_run_goes_on_from_the_same_prompt() -> None:
    model = load_model("tiny", "float32", "cpu")
    prompt = decoding_costs._Prompt(model, Workload(1, 24, 3))
    prompt.decode()
    assert prompt._cache.get_seq_length() == 23
    with torch.inference_mode():
        again = model(prompt.ids[:, -1:], past_key_values=prompt._cache).logits
        fresh = model(prompt.ids).logits[:, -1:]
    assert torch.allclose(again, fresh, atol=1e-5)


@pytest.mark.parametrize("cache", ["static", "compiled"])
def test_a_static_cache_is_wound_back(cache: decoding_costs.Cache) -> None:
    model = load_model("tiny", "float32", "cpu")
    prompt = decoding_costs._Prompt(model, Workload(1, 24, 3, cache))
    outputs, before = [], graphs()
    for _ in range(2):
        with layer_fused(model) as trace:
            prompt.decode()
        outputs.append([x.tokens for x in trace.steps])
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 4
    assert graphs() == before + (cache == "compiled")


def graphs() -> int:
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


def test_an_unknown_cache_is_refused() -> None:
    with pytest.raises(InputError, match="--cache is dynamic, static, compiled, not 'paged'"):
        decoding_costs.cache_named("paged")


@pytest.mark.parametrize(
    ("name", "dtype", "device", "message"),
    [
        ("tiny", "int3", "cpu", "--dtype"),
        ("tiny", "float32", "tpu", "--device"),
        ("no-such-shape", "float32", "cpu", "no-such-shape"),
    ],
)
def test_what_is_not_there_is_said(name: str, dtype: str, device: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        load_model(name, dtype, device)


def test_an_unknown_method_is_refused() -> None:
    model = load_model("tiny", "float32", "cpu")
    with pytest.raises(InputError, match="no decoding method 'beam'"):
        decoding_costs.decoding_costs(model, ["beam"], Workload(1, 8, 1), 1)
