"""Layer fusion inside `generate`: sampling, beams, streaming, stopping, caches, batches."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
import transformers as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from hetarag.decoding import DecodingTrace, LayerFusion, layer_fused
from tests.decoding.reference import Slow
from tests.decoding.tiny_models import VOCAB, make, prompt, shared

GREEDY = {"max_new_tokens": 6, "do_sample": False}
PAIRS = [
    LayerFusion(),
    LayerFusion(score="jsd", fuse_normed=True),
]


def run(
    model: Any, fusion: LayerFusion, ids: torch.Tensor, **options: Any
) -> tuple[torch.Tensor, DecodingTrace]:
    with layer_fused(model, fusion) as trace:
        return model.generate(ids, **(GREEDY | options)), trace


def same_choices(one: DecodingTrace, row: int, other: DecodingTrace, other_row: int) -> None:
    for a, b in zip(one.steps, other.steps, strict=True):
        assert a.layers is not None
        assert b.layers is not None
        assert a.layers[row] == b.layers[other_row]
        assert (a.iks is None) == (b.iks is None)
        if a.iks is not None and b.iks is not None:
            assert a.iks[row] == pytest.approx(b.iks[other_row], rel=1e-3)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), fusion=st.sampled_from(PAIRS))
@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt_neox"])
def test_a_batch_of_one_is_a_row_of_a_batch(name: str, seed: int, fusion: LayerFusion) -> None:
    model, ids = shared(name), prompt(3, seed=seed)
    batch, trace = run(model, fusion, ids)
    for row in range(3):
        alone, own = run(model, fusion, ids[row : row + 1])
        assert alone[0].tolist() == batch[row].tolist()
        same_choices(trace, row, own, 0)


def test_rows_choose_their_own_layers() -> None:
    _, trace = run(shared("llama"), LayerFusion(), prompt(6))
    assert any(len(set(x.layers or ())) > 1 for x in trace.steps)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), pad=st.integers(1, 5), fusion=st.sampled_from(PAIRS))
@pytest.mark.parametrize("name", ["qwen2", "gemma3"])
def test_left_padding_changes_nothing(name: str, seed: int, pad: int, fusion: LayerFusion) -> None:
    model, short, long = shared(name), prompt(seed=seed), prompt(length=7 + pad, seed=seed + 1)
    padded = torch.cat([torch.zeros(1, pad, dtype=torch.long), short], 1)
    mask = torch.ones(2, 7 + pad, dtype=torch.long)
    mask[0, :pad] = 0
    batch, trace = run(model, fusion, torch.cat([padded, long]), attention_mask=mask)
    for row, ids in enumerate([short, long]):
        alone, own = run(model, fusion, ids)
        assert alone[0, ids.shape[1] :].tolist() == batch[row, 7 + pad :].tolist()
        same_choices(trace, row, own, 0)


@pytest.mark.parametrize("fusion", PAIRS, ids=str)
@pytest.mark.parametrize("name", ["llama", "gemma2", "olmo2"])
def test_static_and_dynamic_caches_agree(name: str, fusion: LayerFusion) -> None:
    model, ids = shared(name), prompt(2)
    dynamic, one = run(model, fusion, ids)
    static, other = run(model, fusion, ids, cache_implementation="static")
    assert torch.equal(dynamic, static)
    same_choices(one, 1, other, 1)


def test_no_cache_gives_the_same() -> None:
    model, ids = shared("llama"), prompt(2)
    cached, one = run(model, LayerFusion(), ids)
    plain, other = run(model, LayerFusion(), ids, use_cache=False)
    assert torch.equal(cached, plain)
    same_choices(one, 0, other, 0)


def test_sampling_draws_from_the_fused_scores() -> None:
    model, ids = shared("llama"), prompt()
    slow = Slow("llama", model)
    kept = slow.step(ids[0], [6, 8, 10]).kept
    out, trace = run(
        model, LayerFusion(), ids, do_sample=True, max_new_tokens=1, num_return_sequences=16
    )
    drawn = set(out[:, -1].tolist())
    assert drawn <= kept
    assert trace.steps[0].tokens == out[:, -1].tolist()


def test_processors_run_on_the_fused_scores() -> None:
    """repetition_penalty after fusion, not before it."""
    seen: list[torch.Tensor] = []

    class Look(tf.LogitsProcessor):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            seen.append(scores.clone())
            return scores

    model, ids = shared("llama"), prompt()
    out, _ = run(
        model,
        LayerFusion(),
        ids,
        max_new_tokens=1,
        repetition_penalty=1.1,
        logits_processor=tf.LogitsProcessorList([Look()]),
    )
    s = Slow("llama", model).step(ids[0], [6, 8, 10]).s.clone()
    repeated = list(set(ids[0].tolist()))
    s[repeated] = torch.where(s[repeated] < 0, s[repeated] * 1.1, s[repeated] / 1.1)
    finite = seen[0][0] > -torch.inf
    torch.testing.assert_close(seen[0][0][finite].double(), s[finite], rtol=1e-4, atol=1e-4)
    assert int(out[0, -1]) == int(s.argmax())


def beam_search(name: str, model: Any, ids: torch.Tensor, beams: int, steps: int) -> list[int]:
    """Beam search over the slow reference's scores, normalised as generate does."""
    slow, found = Slow(name, model), [(0.0, ids)]
    for _ in range(steps):
        wider = []
        for total, sequence in found:
            scores = slow.step(sequence, [6, 8, 10]).s.log_softmax(-1)
            best = scores.topk(2 * beams)
            for value, token in zip(best.values.tolist(), best.indices, strict=True):
                wider.append((total + value, torch.cat([sequence, token[None]])))
        found = sorted(wider, key=lambda x: -x[0])[:beams]
    return found[0][1].tolist()


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_beam_search_is_that_of_the_reference(name: str) -> None:
    model, ids = shared(name), prompt(2)
    out, trace = run(model, LayerFusion(), ids, num_beams=3, max_new_tokens=4)
    for row in range(2):
        assert out[row].tolist() == beam_search(name, model, ids[row], 3, 4)
    assert len(trace.steps[0].layers or ()) == 6
    assert trace.steps[0].tokens is None  # rows change places


def test_a_step_reads_only_what_it_needs() -> None:
    """One product a step, of as many rows as the candidates ask for."""
    model, widths = make("llama"), []
    inner = model.lm_head.forward

    def forward(states: torch.Tensor) -> torch.Tensor:
        widths.append(states.shape[1])
        return inner(states)

    model.lm_head.forward = forward
    run(model, LayerFusion(), prompt())
    assert widths == [1 + 3 * 3] * 6
    widths.clear()
    run(model, LayerFusion(fuse_normed=True), prompt())
    assert widths == [1 + 2 * 3] * 6  # one product a step; and the prefill projects one position
    widths.clear()
    run(model, LayerFusion(candidates=(5,)), prompt())
    assert widths == [2] * 6


def test_streaming_from_a_thread() -> None:
    class Stream(tf.generation.streamers.BaseStreamer):
        def __init__(self) -> None:
            self.tokens: list[int] = []
            self.done = threading.Event()

        def put(self, value: torch.Tensor) -> None:
            self.tokens += value.flatten().tolist()

        def end(self) -> None:
            self.done.set()

    model, ids, stream = shared("llama"), prompt(), Stream()
    expected, _ = run(model, LayerFusion(), ids)
    with layer_fused(model) as trace:
        thread = threading.Thread(
            target=model.generate, args=(ids,), kwargs=GREEDY | {"streamer": stream}
        )
        thread.start()
        assert stream.done.wait(30)
    thread.join()
    assert stream.tokens == expected[0].tolist()
    assert trace.steps[-1].tokens == [int(expected[0, -1])]


def test_leaving_the_block_stops_a_generating_thread() -> None:
    class Slowly(tf.StoppingCriteria):
        def __init__(self) -> None:
            self.started, self.left = threading.Event(), threading.Event()

        def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
            self.started.set()
            self.left.wait(30)
            return torch.zeros(len(input_ids), dtype=torch.bool)

    model, slowly, errors = make("llama"), Slowly(), []

    def generate() -> None:
        try:
            model.generate(prompt(), **GREEDY, stopping_criteria=[slowly])
        except ValueError as error:
            errors.append(str(error))

    with layer_fused(model):
        thread = threading.Thread(target=generate)
        thread.start()
        assert slowly.started.wait(30)
        threading.Timer(0.3, slowly.left.set).start()
    thread.join()
    assert "block was left" in errors[0]


def test_stopping_criteria_and_end_of_text() -> None:
    model, ids = shared("llama"), prompt(3)
    full, _ = run(model, LayerFusion(), ids)
    stop = int(full[0, 7 + 2])
    out, trace = run(model, LayerFusion(), ids, eos_token_id=stop, pad_token_id=0)
    end = 7 + 1 + full[0, 7:].tolist().index(stop)
    assert out[0, :end].tolist() == full[0, :end].tolist()
    assert set(out[0, end:].tolist()) <= {0}
    assert len(trace.steps) == out.shape[1] - 7

    class Three(tf.StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
            return torch.full((len(input_ids),), input_ids.shape[1] >= 10)

    out, trace = run(model, LayerFusion(), ids, stopping_criteria=[Three()])
    assert torch.equal(out, full[:, :10])
    assert len(trace.steps) == 3


def test_prompts_as_embeddings_and_given_caches() -> None:
    model, ids = shared("llama"), prompt()
    expected, one = run(model, LayerFusion(), ids)
    with layer_fused(model) as trace:
        out = model.generate(inputs_embeds=model.get_input_embeddings()(ids), **GREEDY)
    assert out[0].tolist() == expected[0, 7:].tolist()
    same_choices(one, 0, trace, 0)
    assert [x.tokens for x in trace.steps] == [x.tokens for x in one.steps]

    cache = model(ids[:, :5], use_cache=True).past_key_values
    continued, other = run(model, LayerFusion(), ids, past_key_values=cache)
    assert torch.equal(continued, expected)
    same_choices(one, 0, other, 0)


def test_a_configuration_object_is_honoured_and_left_alone() -> None:
    model, ids = shared("llama"), prompt()
    expected, _ = run(model, LayerFusion(), ids, max_new_tokens=3)
    config = tf.GenerationConfig(max_new_tokens=3, do_sample=False)
    before = config.to_dict()
    with layer_fused(model):
        out = model.generate(ids, config)
    assert torch.equal(out, expected)
    assert config.to_dict() == before


def test_a_loop_of_the_callers_own() -> None:
    """The model may be called directly, one position a call."""
    model, ids = shared("llama"), prompt()
    expected, own = run(model, LayerFusion(), ids, max_new_tokens=3)
    with layer_fused(model) as trace, torch.no_grad():
        cache, step = None, ids
        for i in range(3):
            out = model(step, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache, step = out.past_key_values, out.logits[:, -1].argmax(-1)[:, None]
            assert step.item() == int(expected[0, 7 + i])
    same_choices(own, 0, trace, 0)
    with layer_fused(model) as trace:  # and with gradients switched on
        assert model(ids, logits_to_keep=1).logits.shape == (1, 1, VOCAB)


def test_weights_that_are_away_on_disk(tmp_path: Any) -> None:
    """A dispatched model: modules are called, and weights never touched."""
    from accelerate import dispatch_model

    expected, _ = run(shared("llama"), LayerFusion(), prompt())
    model = make("llama")
    places: dict[str, Any] = {
        "model.embed_tokens": "cpu",
        "model.rotary_emb": "cpu",
        **{f"model.layers.{i}": "disk" if i in (6, 7) else "cpu" for i in range(12)},
        "model.norm": "disk",
        "lm_head": "disk",
    }
    model = dispatch_model(model, places, main_device="cpu", offload_dir=str(tmp_path))
    assert model.lm_head.weight.is_meta
    out, _ = run(model, LayerFusion(), prompt())
    assert torch.equal(out, expected)
