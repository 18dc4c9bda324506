"""A local language model, decoded with layer fusion, token by token."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from hetarag.decoding.registry import base_name, method_named
from hetarag.errors import ModelError
from hetarag.models.readers.chat_template import Prompt, PromptEncoder
from hetarag.models.readers.dtype import fastest_dtype
from hetarag.models.readers.generation import Generator
from hetarag.models.readers.streaming import Channel
from hetarag.models.torch_setup import load_libraries, progress_bars_disabled
from hetarag.protocols import BatchReader, Conversation
from hetarag.types import ReadTrace, TokenStep

NumberType = Literal["auto", "float32", "bfloat16"]


class LocalReader(BatchReader):
    """A folder's causal language model through transformers; greedy, never sampling.

    The model's own generation settings are not used beyond its end tokens: they are made for chat,
    and a penalty on repetition lowers just those words that the evidence holds. An answer ends at
    the first line end after some text (`stop`; None to read on).

    `share_prompts` keeps what was read of the last prompt, for asking the same with another decoder.
    `measured` is a file that keeps what `dtype` "auto" has found for this processor. May be used
    from several threads: one answer is generated at a time, the others wait.
    """

    def __init__(
        self,
        folder: Path | str,
        dtype: NumberType = "auto",
        *,
        name: str | None = None,
        measured: Path | None = None,
        stop: str | None = "\n",
        share_prompts: bool = False,
        default_decoder: str = "lfd",
    ) -> None:
        folder = Path(folder)
        torch, transformers = load_libraries("a local reader")
        self.name = name or folder.name
        self.dtype = fastest_dtype(measured) if dtype == "auto" else dtype
        try:
            with progress_bars_disabled(transformers):
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
                model = transformers.AutoModelForCausalLM.from_pretrained(
                    folder, dtype=getattr(torch, self.dtype)
                )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{folder}: no language model can be loaded: {reason}") from error
        model.eval()
        if torch.cuda.is_available():
            model.to("cuda")
        self._window = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._encoder = PromptEncoder(tokenizer)
        self._generator = Generator(model, tokenizer, stop, share_prompts)
        self._default_decoder = default_decoder
        self._lock = threading.Lock()

    def decoders(self) -> Sequence[str]:
        """Return the decoders for this architecture, the default of this reader first."""
        return tuple(
            sorted(self._generator.methods, key=lambda name: name != self._default_decoder)
        )

    def read(
        self,
        messages: Conversation,
        *,
        decoder: str,
        max_new_tokens: int,
        messages_without_context: Conversation = (),
    ) -> Iterator[TokenStep | ReadTrace]:
        """Yield each token as it is generated and, last, how it went.

        `decoder` may have settings in brackets (`hetarag.decoding.registry`), which raise `InputError`
        where they are wrong. `cad` and `adacad` need `messages_without_context`.
        """
        self._check_decoder(decoder)
        started = time.perf_counter()
        with self._lock:  # the tokenizer is for one thread at a time
            prompt = self._encode(messages, max_new_tokens)
            without = (
                self._encoder.encode(messages_without_context) if messages_without_context else None
            )
        return self._read(prompt, without, decoder, max_new_tokens, started)

    def read_batch(
        self,
        conversations: Sequence[Conversation],
        *,
        decoder: str,
        max_new_tokens: int,
        conversations_without_context: Sequence[Conversation] = (),
    ) -> list[ReadTrace]:
        """Return how each conversation was answered, all of them decoded as one batch.

        The words are those of `read` but for the rounding of products of several rows. Of each step's
        best tokens only the first is kept; a step at which one row's gate is open has the layers of
        all rows. Times are shares of the batch's.
        """
        self._check_decoder(decoder)
        if not conversations:
            return []
        started = time.perf_counter()
        with self._lock:
            prompts = [self._encode(messages, max_new_tokens) for messages in conversations]
            without = [self._encoder.encode(messages) for messages in conversations_without_context]
            answers = self._generator.generate_batch(prompts, decoder, max_new_tokens, without)
        share = (time.perf_counter() - started) / len(prompts)
        return [
            self._trace(decoder, prompt, steps, share, share)
            for prompt, steps in zip(prompts, answers, strict=True)
        ]

    def _check_decoder(self, decoder: str) -> None:
        if base_name(decoder) not in self._generator.methods:
            raise ModelError(
                f"{self.name} has no decoder {decoder!r}; it has: {', '.join(self.decoders())}"
            )
        method_named(decoder)

    def _encode(self, messages: Conversation, max_new_tokens: int) -> Prompt:
        prompt = self._encoder.encode(messages)
        length = len(prompt.ids)
        if self._window and length + max_new_tokens > self._window:
            raise ModelError(
                f"the prompt has {length} tokens and the answer may have {max_new_tokens}, but "
                f"{self.name} reads {self._window} at most: ask with less evidence"
            )
        return prompt

    def _read(
        self,
        prompt: Prompt,
        messages_without_context: Prompt | None,
        decoder: str,
        limit: int,
        started: float,
    ) -> Iterator[TokenStep | ReadTrace]:
        channel: Channel[TokenStep] = Channel()
        steps: list[TokenStep] = []
        first = 0.0

        def work() -> None:
            with self._lock:
                self._generator.generate(prompt, decoder, limit, channel, messages_without_context)

        for step in channel.run(work, f"hetarag-{self.name}"):
            first = first or time.perf_counter() - started
            steps.append(step)
            yield step
        yield self._trace(decoder, prompt, steps, first, time.perf_counter() - started)

    def _trace(
        self, decoder: str, prompt: Prompt, steps: Sequence[TokenStep], first: float, whole: float
    ) -> ReadTrace:
        return ReadTrace(
            reader=self.name,
            decoder=decoder,
            prompt_tokens=len(prompt.ids),
            answer_tokens=len(steps),
            first_token_seconds=first,
            seconds=whole,
            candidates=self._generator.candidates(decoder),
            layers=tuple(step.layer for step in steps if step.layer is not None),
            tokens=tuple(steps),
        )
