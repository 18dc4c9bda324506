"""Many prompts decoded as one batch: each is answered as it would be alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from hetarag.errors import InputError, ModelError
from hetarag.models.readers.local import LocalReader
from hetarag.types import ReadTrace
from tests.models.conftest import save_reader

SYSTEM = {"role": "system", "content": "You answer questions from numbered sources."}
ASKED = (
    "The capital of Norway is Oslo. Question:",
    "Question: 0 1 2 3?",
    "Sources: Not in the sources. Short answer: Ünïcode 日本語 🦊 numbers. Question: Oslo?",
)
CONVERSATIONS = [[SYSTEM, {"role": "user", "content": text}] for text in ASKED]
BARES = [[SYSTEM, {"role": "user", "content": text[-12:]}] for text in ASKED]


def alone(reader: LocalReader, decoder: str, limit: int) -> list[ReadTrace]:
    found = []
    for messages, messages_without_context in zip(CONVERSATIONS, BARES, strict=True):
        extra = (
            {"messages_without_context": messages_without_context}
            if decoder.endswith("cad")
            else {}
        )
        *_, trace = reader.read(messages, decoder=decoder, max_new_tokens=limit, **extra)
        assert isinstance(trace, ReadTrace)
        found.append(trace)
    return found


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize(
    "decoder", ["greedy", "lfd", "lfd-paper[layers=1:3]", "lfd-normed", "dola", "cad", "adacad"]
)
def test_a_row_of_a_batch_is_answered_as_alone(
    reader_folder: Path, decoder: str, share: bool
) -> None:
    singles = alone(LocalReader(reader_folder, "float32", stop=None), decoder, 10)
    reader = LocalReader(reader_folder, "float32", stop=None, share_prompts=share)
    conversations_without_context = BARES if decoder.endswith("cad") else []
    passes: list[int] = []
    model = reader._generator._model
    model.register_forward_pre_hook(
        lambda _, __, kwargs: passes.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    for turn in range(2):
        passes.clear()
        batch = reader.read_batch(
            CONVERSATIONS,
            decoder=decoder,
            max_new_tokens=10,
            conversations_without_context=conversations_without_context,
        )
        longest = max(trace.prompt_tokens for trace in singles)
        # The second time the prompts have been read already, if they are shared.
        assert (max(passes) >= longest - 1) == (turn == 0 or not share)
        for own, single in zip(batch, singles, strict=True):
            assert [s.text for s in own.tokens] == [s.text for s in single.tokens]
            assert [s.changed for s in own.tokens] == [s.changed for s in single.tokens]
            assert own.prompt_tokens == single.prompt_tokens
            assert own.candidates == single.candidates
            for a, b in zip(own.tokens, single.tokens, strict=True):
                assert a.top_final[0][0] == b.top_final[0][0]
                if decoder.startswith("lfd-paper"):
                    assert a.layer == b.layer
                    assert a.iks == pytest.approx(b.iks, rel=1e-3)


def test_a_row_ends_at_an_end_token(tmp_path: Path) -> None:
    folder = save_reader(tmp_path / "tiny")
    said = [
        [s.text for s in t.tokens]
        for t in alone(LocalReader(folder, "float32", stop=None), "greedy", 20)
    ]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = next(t for t in said[0][3:] if len(tokenizer(t)["input_ids"]) == 1 and t not in said[1])
    (end,) = tokenizer(text)["input_ids"]
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": end}))
    ending = LocalReader(folder, "float32", stop=None)
    batch = ending.read_batch(CONVERSATIONS, decoder="greedy", max_new_tokens=20)
    assert [s.text for s in batch[0].tokens] == said[0][: said[0].index(text)]
    assert [s.text for s in batch[1].tokens] == said[1]


def test_padding_that_the_model_does_not_know_does_no_harm(tmp_path: Path) -> None:
    folder = save_reader(tmp_path / "tiny")
    expected = alone(LocalReader(folder, "float32", stop=None), "lfd", 8)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    reader = LocalReader(folder, "float32", stop=None)
    assert tokenizer.pad_token_id >= reader._generator._model.config.vocab_size
    batch = reader.read_batch(CONVERSATIONS, decoder="lfd", max_new_tokens=8)
    assert [[s.text for s in t.tokens] for t in batch] == [
        [s.text for s in t.tokens] for t in expected
    ]


def test_a_row_ends_where_it_would_end_alone(tmp_path: Path) -> None:
    reader = LocalReader(save_reader(tmp_path / "tiny"), "float32", stop=None)
    long = alone(reader, "greedy", 30)
    # End each answer at a token of its own: what one of them says in the middle.
    said = [[step.text for step in trace.tokens] for trace in long]
    stop = next(text for text in said[0][3:] if text and text not in "".join(said[1]))
    ending = LocalReader(tmp_path / "tiny", "float32", stop=stop)
    batch = ending.read_batch(CONVERSATIONS, decoder="greedy", max_new_tokens=30)
    singles = alone(ending, "greedy", 30)
    assert [t.tokens for t in batch] != [t.tokens for t in long]
    assert [[s.text for s in t.tokens] for t in batch] == [
        [s.text for s in t.tokens] for t in singles
    ]
    lengths = [t.answer_tokens for t in batch]
    assert lengths[0] < lengths[1]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    reader = LocalReader(save_reader(tmp_path / "small", window=64), "float32")
    assert reader.read_batch([], decoder="greedy", max_new_tokens=1) == []
    with pytest.raises(ModelError, match="no decoder 'beam'"):
        reader.read_batch(CONVERSATIONS, decoder="beam", max_new_tokens=1)
    with pytest.raises(ModelError, match="ask with less evidence"):
        reader.read_batch(CONVERSATIONS, decoder="lfd", max_new_tokens=60)
    with pytest.raises(InputError, match="one without evidence"):
        reader.read_batch(CONVERSATIONS[1:2], decoder="cad", max_new_tokens=1)
