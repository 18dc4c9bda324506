"""What embedders and readers promise: subclass a contract and override its one fixture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hetarag.errors import HetaRAGError, InputError, ModelError
from hetarag.protocols import Conversation, Embedder, Reader
from hetarag.testing.extra import pytest
from hetarag.types import ReadTrace, TokenStep

TEXTS = (
    "Oslo is the capital of Norway.",
    "",
    "a",
    "Bergen is a city on the west coast. " * 30,
    "日本語 🦊 <|im_end|> [SEP] \x00",
    "\ud800 lone surrogate",
    "   \n\t ",
    "x" * 20_000,
)
"""Texts of all lengths, hostile ones among them."""

QUESTION: Conversation = (
    {"role": "system", "content": "You answer questions from numbered sources."},
    {"role": "user", "content": "The capital of Norway is Oslo. Question: Which city?"},
)


class EmbedderContract:
    """A text's vector depends on that text alone.

    `batch_tolerance` is how far a vector's numbers may lie from those that the text has alone.
    """

    batch_tolerance = 1e-6

    @pytest.fixture(scope="class")
    @classmethod
    def open_embedder(cls) -> Callable[[], Embedder]:
        """Override this one: return a function that opens the embedder, again and again."""
        raise NotImplementedError(f"{cls.__name__} has to override the fixture open_embedder")

    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls, open_embedder: Callable[[], Embedder]) -> Embedder:
        """The embedder, opened once for the whole class."""
        return open_embedder()

    def test_passages_have_unit_vectors(self, embedder: Embedder) -> None:
        rows = embedder.embed_passages(TEXTS)
        assert rows.shape == (len(TEXTS), embedder.dimension)
        assert rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)

    def test_questions_have_unit_vectors(self, embedder: Embedder) -> None:
        rows = embedder.embed_queries(TEXTS)
        assert rows.shape == (len(TEXTS), embedder.dimension)
        assert rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
        one = embedder.embed_query(TEXTS[0])
        assert one.shape == (embedder.dimension,)
        assert one.dtype == np.float32

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        assert embedder.embed_passages([]).shape == (0, embedder.dimension)
        assert embedder.embed_queries([]).shape == (0, embedder.dimension)

    def test_a_passage_has_the_vector_that_it_has_alone(self, embedder: Embedder) -> None:
        together = embedder.embed_passages(TEXTS)
        for text, row in zip(TEXTS, together, strict=True):
            alone = embedder.embed_passages([text])[0]
            assert alone == pytest.approx(row, abs=self.batch_tolerance)

    def test_a_question_has_the_vector_that_it_has_alone(self, embedder: Embedder) -> None:
        together = embedder.embed_queries(TEXTS)
        for text, row in zip(TEXTS, together, strict=True):
            assert embedder.embed_query(text) == pytest.approx(row, abs=self.batch_tolerance)

    def test_rows_are_in_the_order_of_their_texts(self, embedder: Embedder) -> None:
        rows = embedder.embed_passages(TEXTS)
        reversed_rows = embedder.embed_passages(TEXTS[::-1])[::-1]
        assert reversed_rows == pytest.approx(rows, abs=self.batch_tolerance)

    def test_a_question_is_near_the_passage_that_says_it(self, embedder: Embedder) -> None:
        text = "Oslo is the capital of Norway."
        other = "Mitochondria make adenosine triphosphate in cells."
        near, far = embedder.embed_passages([text, other]) @ embedder.embed_query(text)
        assert near > far

    def test_opened_again_it_is_the_same(
        self, embedder: Embedder, open_embedder: Callable[[], Embedder]
    ) -> None:
        again = open_embedder()
        assert embedder.fingerprint
        assert again.fingerprint == embedder.fingerprint
        assert again.dimension == embedder.dimension
        row = embedder.embed_passages(TEXTS[:1])
        assert again.embed_passages(TEXTS[:1]) == pytest.approx(row, abs=self.batch_tolerance)


class ReaderContract:
    """Tokens one by one and a trace last; what it cannot do is refused."""

    @pytest.fixture
    def reader(self) -> Reader:
        """Override this one: return the reader that the contract is for."""
        raise NotImplementedError(f"{type(self).__name__} has to override the fixture reader")

    @pytest.fixture
    def too_long(self) -> Conversation:
        """A conversation that is longer than the reader's window."""
        return ({"role": "user", "content": "The Fram was built in Larvik. " * 60_000},)

    def read(self, reader: Reader, limit: int = 5) -> tuple[list[TokenStep], ReadTrace]:
        """Return the tokens and the trace of a short answer."""
        items = list(reader.read(QUESTION, decoder=reader.decoders()[0], max_new_tokens=limit))
        trace = items.pop()
        assert isinstance(trace, ReadTrace)
        steps = [item for item in items if isinstance(item, TokenStep)]
        assert len(steps) == len(items), "one trace, and it comes last"
        return steps, trace

    def test_it_has_a_name_and_a_default_decoder(self, reader: Reader) -> None:
        assert reader.name
        names = list(reader.decoders())
        assert names
        assert len(set(names)) == len(names)
        assert list(reader.decoders()) == names

    def test_tokens_come_first_and_the_trace_last(self, reader: Reader) -> None:
        steps, trace = self.read(reader)
        assert trace.reader == reader.name
        assert trace.decoder == reader.decoders()[0]
        assert trace.tokens == tuple(steps)
        assert 0 <= trace.first_token_seconds <= trace.seconds

    def test_each_decoder_that_it_names_can_be_used(self, reader: Reader) -> None:
        messages_without_context = (
            QUESTION[0],
            {"role": "user", "content": "Question: Which city?"},
        )
        for decoder in reader.decoders():
            extra = (
                {"messages_without_context": messages_without_context}
                if decoder.endswith("cad")
                else {}
            )
            *_, trace = reader.read(QUESTION, decoder=decoder, max_new_tokens=2, **extra)
            assert isinstance(trace, ReadTrace)
            assert trace.decoder == decoder

    @pytest.mark.parametrize("limit", [1, 3])
    def test_no_more_tokens_than_were_asked_for(self, reader: Reader, limit: int) -> None:
        steps, trace = self.read(reader, limit)
        assert len(steps) <= limit
        assert trace.answer_tokens <= limit

    def test_the_same_question_has_the_same_answer(self, reader: Reader) -> None:
        first, second = (self.read(reader)[0] for _ in range(2))
        assert [step.text for step in first] == [step.text for step in second]

    def test_a_decoder_that_it_does_not_have_is_refused(self, reader: Reader) -> None:
        with pytest.raises((ModelError, InputError)) as caught:
            list(reader.read(QUESTION, decoder="no such decoder", max_new_tokens=1))
        assert isinstance(caught.value, HetaRAGError)
        assert "no such decoder" in str(caught.value)

    def test_a_prompt_that_is_too_long_is_refused(
        self, reader: Reader, too_long: Conversation
    ) -> None:
        with pytest.raises(ModelError) as caught:
            list(reader.read(too_long, decoder=reader.decoders()[0], max_new_tokens=5))
        assert len(str(caught.value)) > 10

    def test_an_answer_can_be_left_in_the_middle(self, reader: Reader) -> None:
        items = iter(reader.read(QUESTION, decoder=reader.decoders()[0], max_new_tokens=5))
        next(items)
        del items
        assert self.read(reader)[1].answer_tokens <= 5

    def test_hostile_text_is_only_text(self, reader: Reader) -> None:
        for text in ("", "<|im_end|> \x00 [/INST]", "日本語 🦊", "\ud800"):
            messages = (QUESTION[0], {"role": "user", "content": text})
            *_, trace = reader.read(messages, decoder=reader.decoders()[0], max_new_tokens=2)
            assert isinstance(trace, ReadTrace)
