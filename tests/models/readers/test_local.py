"""A tiny model with a tiny tokenizer, read token by token."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from hetarag.answering.prompt import build
from hetarag.config import ModelSettings
from hetarag.decoding import CAD, decoding, layer_fused
from hetarag.decoding.registry import DEFAULT
from hetarag.errors import InputError, ModelError
from hetarag.models.readers import dtype as number_type
from hetarag.models.readers.dtype import fastest_dtype
from hetarag.models.readers.factory import make_reader
from hetarag.models.readers.local import LocalReader
from hetarag.models.readers.streaming import Channel, TokenSink
from hetarag.types import ReadTrace, TokenStep
from tests.models.conftest import piece, save_reader

MESSAGES = [
    {"role": "system", "content": "You answer questions from numbered sources."},
    {"role": "user", "content": "The capital of Norway is Oslo. Question:"},
]


@pytest.fixture(scope="module")
def reader(reader_folder: Path) -> LocalReader:
    return LocalReader(reader_folder, "float32", stop=None)


def read(
    reader: LocalReader, decoder: str, limit: int = 12, messages: list[dict[str, str]] = MESSAGES
) -> tuple[list[TokenStep], ReadTrace]:
    *steps, trace = reader.read(messages, decoder=decoder, max_new_tokens=limit)
    assert isinstance(trace, ReadTrace)
    assert all(isinstance(step, TokenStep) for step in steps)
    return steps, trace  # type: ignore[return-value]


def expected(folder: Path, limit: int, *, fused: bool) -> tuple[list[int | None], str]:
    """What transformers generates greedily, without any of this package's reader.

    Bytes of a character that the limit cuts off are left out, as the reader waits for the rest of it.
    """
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, return_tensors="pt")
    prompt = ids["input_ids"]
    options = {"max_new_tokens": limit, "do_sample": False, "repetition_penalty": 1.0}
    if not fused:
        output = model.generate(prompt, **options)
        text = tokenizer.decode(output[0, prompt.shape[1] :], skip_special_tokens=True)
        return [], text.rstrip("\ufffd")
    with layer_fused(model, DEFAULT) as trace:
        output = model.generate(prompt, **options)
    text = tokenizer.decode(output[0, prompt.shape[1] :], skip_special_tokens=True)
    layers = [step.layers[0] if step.layers else None for step in trace.steps]
    return layers, text.rstrip("\ufffd")


def test_greedy_is_what_transformers_generates(reader: LocalReader, reader_folder: Path) -> None:
    steps, trace = read(reader, "greedy")
    _, text = expected(reader_folder, 12, fused=False)
    assert "".join(step.text for step in steps) == text.lstrip()
    assert trace.layers == ()
    assert trace.tokens == tuple(steps)


def test_layer_fusion_is_the_default_and_traced(reader: LocalReader, reader_folder: Path) -> None:
    assert reader.decoders()[0] == "lfd"
    steps, trace = read(reader, "lfd")
    layers, text = expected(reader_folder, 12, fused=True)
    assert "".join(step.text for step in steps) == text.lstrip()
    assert [step.layer for step in steps] == layers[: len(steps)]
    assert trace.layers == tuple(step.layer for step in steps if step.layer is not None)
    assert trace.answer_tokens == len(steps)
    assert all(step.top_final and step.top_fused for step in steps)
    assert all(bool(step.top_layer) == (step.layer is not None) for step in steps)
    assert all(step.changed is not None for step in steps)


def test_the_trace_counts_and_times(reader: LocalReader) -> None:
    steps, trace = read(reader, "lfd-paper", limit=5)
    assert trace.reader == "tiny"
    assert trace.decoder == "lfd-paper"
    assert trace.answer_tokens == len(steps) <= 5
    assert trace.prompt_tokens > 10
    assert 0 < trace.first_token_seconds <= trace.seconds


def test_the_second_answer_is_the_first_one(reader_folder: Path) -> None:
    fresh = LocalReader(reader_folder, "float32", stop=None)
    first, _ = read(fresh, "lfd")  # fills the cache of the prompt's beginning
    second, _ = read(fresh, "lfd")
    other = [*MESSAGES[:-1], {"role": "user", "content": "Oslo?"}]
    read(fresh, "lfd", messages=other)
    read(fresh, "greedy", messages=MESSAGES[1:])  # nothing stable before it
    third, _ = read(fresh, "lfd")
    assert first == second == third


def test_an_unknown_decoder_and_a_long_prompt_are_refused(tmp_path: Path) -> None:
    reader = LocalReader(save_reader(tmp_path / "small", window=64), "float32")
    with pytest.raises(ModelError, match="no decoder 'beam'; it has: lfd, "):
        reader.read(MESSAGES, decoder="beam", max_new_tokens=1)
    with pytest.raises(InputError, match="no setting 'heat=1'"):
        reader.read(MESSAGES, decoder="lfd[heat=1]", max_new_tokens=1)
    with pytest.raises(ModelError, match=r"reads 64 at most: ask with less evidence"):
        reader.read(MESSAGES, decoder="lfd", max_new_tokens=60)


def test_contexts_are_contrasted_with_the_bare_question(
    reader: LocalReader, reader_folder: Path
) -> None:
    messages_without_context = [MESSAGES[0], {"role": "user", "content": "Question:"}]
    *steps, _ = reader.read(
        MESSAGES,
        decoder="cad[alpha=2]",
        max_new_tokens=6,
        messages_without_context=messages_without_context,
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(reader_folder)
    model: Any = AutoModelForCausalLM.from_pretrained(reader_folder, dtype=torch.float32).eval()
    whole, without = (
        tokenizer.apply_chat_template(m, add_generation_prompt=True, return_tensors="pt")["input_ids"]
        for m in (MESSAGES, messages_without_context)
    )  # fmt: skip
    with decoding(model, CAD(2.0), without_context=without):
        output = model.generate(whole, max_new_tokens=6, do_sample=False, repetition_penalty=1.0)
    said = tokenizer.decode(output[0, whole.shape[1] :], skip_special_tokens=True)
    assert "".join(step.text for step in steps) == said.rstrip("\ufffd")  # type: ignore[union-attr]
    with pytest.raises(InputError, match="the one without evidence"):
        list(reader.read(MESSAGES, decoder="adacad", max_new_tokens=1))


def test_a_shared_prompt_changes_no_answer(reader: LocalReader, reader_folder: Path) -> None:
    sharing = LocalReader(reader_folder, "float32", stop=None, share_prompts=True)
    other = [*MESSAGES[:1], {"role": "user", "content": "The capital of Norway is Bergen."}]
    for messages in (MESSAGES, other, MESSAGES):
        for decoder in ("greedy", "lfd-paper", "greedy"):
            own, _ = read(sharing, decoder, messages=messages)
            assert own and own[-1].text == read(reader, decoder, messages=messages)[0][-1].text
            said = "".join(step.text for step in own)
            assert said == "".join(s.text for s in read(reader, decoder, messages=messages)[0])


def test_a_model_too_shallow_for_fusion_is_read_greedily(tmp_path: Path) -> None:
    reader = LocalReader(save_reader(tmp_path / "flat", layers=1), "float32")
    assert reader.decoders() == ("greedy",)
    steps, trace = read(reader, "greedy", 3)
    assert trace.answer_tokens == len(steps)
    assert all(step.layer is None for step in steps)


def test_a_base_model_is_read_too(tmp_path: Path) -> None:
    reader = LocalReader(save_reader(tmp_path / "base", template=False), "float32")
    _, trace = read(reader, "lfd", 3, build("Which city?", [piece(1, "Oslo", "A city.")]))
    assert trace.answer_tokens <= 3


def test_an_abandoned_answer_stops_the_generation(reader: LocalReader) -> None:
    stream = reader.read(MESSAGES, decoder="lfd", max_new_tokens=1500)
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    steps, _ = read(reader, "greedy", 3)  # waits until the other one is gone
    assert len(steps) <= 3
    names = [t.name for t in threading.enumerate() if t.name.startswith("hetarag-tiny")]
    assert names == []


def test_answers_asked_for_at_once_do_not_mix(reader: LocalReader) -> None:
    alone = [read(reader, d)[0] for d in ("lfd", "greedy")]
    found: dict[str, list[TokenStep]] = {}
    threads = [
        threading.Thread(target=lambda d=d: found.update({d: read(reader, d)[0]}))
        for d in ("lfd", "greedy")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found["lfd"], found["greedy"]] == alone


def test_an_exception_of_the_generation_reaches_the_caller(
    reader: LocalReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(reader._generator, "_cached", fail)
    with pytest.raises(MemoryError, match="no room"):
        list(reader.read(MESSAGES, decoder="lfd", max_new_tokens=2))
    monkeypatch.undo()
    assert read(reader, "lfd", 2)[1].answer_tokens == 2


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no language model can be loaded"):
        LocalReader(tmp_path, "float32")


def test_settings_make_a_reader(reader_folder: Path, tmp_path: Path) -> None:
    settings = ModelSettings(reader=str(reader_folder), cache=tmp_path, dtype="auto")
    made = make_reader(settings)
    assert made.name == "tiny"
    assert json.loads((tmp_path / "number-type.json").read_text())
    with pytest.raises(ModelError, match="is an embedder, not a reader"):
        make_reader(ModelSettings(reader="minilm-l6-int8"))


def test_the_number_type_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {"float32": 2.0, "bfloat16": 1.0}
    asked: list[str] = []

    def cost(_: object, name: str) -> float:
        asked.append(name)
        return costs[name]

    monkeypatch.setattr(number_type, "_cost", cost)
    cache = tmp_path / "deep" / "number-type.json"
    assert [fastest_dtype(cache) for _ in range(3)] == ["bfloat16"] * 3
    assert asked == ["float32", "bfloat16"]
    cache.write_text("broken")
    costs["bfloat16"] = 3.0
    assert fastest_dtype(cache) == "float32"
    assert fastest_dtype(None) == "float32"


class Tokens:
    """Feeds a sink by hand: ids are indices into pieces of bytes."""

    def __init__(self, pieces: list[bytes], stop: str | None = None) -> None:
        self.shown: list[str] = []
        self.sink = TokenSink(
            lambda ids: b"".join(pieces[i] for i in ids).decode("utf-8", "replace"),
            lambda _, text: self.shown.append(text),
            skip=frozenset({99}),
            stop=stop,
        )
        self.sink.put(torch.tensor([[7, 7]]))  # the prompt
        for index in range(len(pieces)):
            if not self.sink.stopped:
                self.sink.put(torch.tensor([index]))
        self.sink.put(torch.tensor([99]))


def test_characters_of_several_tokens_wait_for_the_last() -> None:
    assert Tokens([b"caf", b"\xc3", b"\xa9", b"!", b"\xf0\x9f", b"\xa6\x8a"]).shown == [
        "caf", "", "é", "!", "", "🦊",
    ]  # fmt: skip


def test_an_answer_ends_at_its_line() -> None:
    fed = Tokens([b" \n", b" Oslo", b" [1]\n", b"Because"], stop="\n")
    assert fed.shown == ["", "Oslo", " [1]"]
    assert fed.sink.stopped


def test_a_channel_tells_its_thread_that_nobody_listens() -> None:
    channel: Channel[int] = Channel()
    started, done = threading.Event(), threading.Event()

    def work() -> None:
        channel.put(1)
        started.set()
        done.set() if channel.cancelled.wait(10) else None

    stream = channel.run(work, "test")
    assert next(iter(stream)) == 1
    stream.close()  # type: ignore[attr-defined]
    assert done.wait(10)
