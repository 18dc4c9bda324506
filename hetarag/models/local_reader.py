"""A local language model, decoded with layer fusion, token by token."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from hetarag.errors import MissingExtraError, ModelError, UnsupportedModelError
from hetarag.models.chat import PromptEncoder
from hetarag.models.number_type import fastest_number_type
from hetarag.models.streaming import Channel, TokenSink
from hetarag.protocols import Reader
from hetarag.types import ReadTrace, TokenStep

NumberType = Literal["auto", "float32", "bfloat16"]

_SHOWN_TOKENS = 5


class LocalReader(Reader):
    """A folder's causal language model through transformers; greedy, never sampling.

    The model's own generation settings are not used beyond its end tokens: they are made for chat,
    and a penalty on repetition lowers just those words that the evidence holds. An answer ends at
    the first line end after some text (`stop`; None to read on).

    May be used from several threads: one answer is generated at a time, the others wait.
    """

    def __init__(
        self,
        folder: Path | str,
        dtype: NumberType = "auto",
        *,
        name: str | None = None,
        measured: Path | None = None,
        stop: str | None = "\n",
    ) -> None:
        try:
            import torch
            import transformers
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "torch", "local", "a local reader") from error
        folder = Path(folder)
        self.name = name or folder.name
        self.dtype = fastest_number_type(measured) if dtype == "auto" else dtype
        self._stop = stop
        self._lock = threading.Lock()
        library: Any = transformers  # only in part typed
        try:
            self._tokenizer = library.AutoTokenizer.from_pretrained(folder)
            self._model = library.AutoModelForCausalLM.from_pretrained(
                folder, dtype=getattr(torch, self.dtype)
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{folder}: no language model can be loaded: {reason}") from error
        self._model.eval()
        if torch.cuda.is_available():
            self._model.to("cuda")
        self._ends = _end_tokens(self._model, self._tokenizer)
        self._model.generation_config = _plain_generation(self._ends, self._tokenizer)
        self._encoder = PromptEncoder(self._tokenizer)
        self._methods = _methods(self._model)

    def decoders(self) -> Sequence[str]:
        """Return the decoders for this architecture, layer fusion first where it is known."""
        return tuple(self._methods)

    def read(
        self, messages: Sequence[Mapping[str, str]], *, decoder: str, max_new_tokens: int
    ) -> Iterator[TokenStep | ReadTrace]:
        """Yield each token as it is generated and, last, how it went."""
        if decoder not in self._methods:
            raise ModelError(
                f"{self.name} has no decoder {decoder!r}; it has: {', '.join(self._methods)}"
            )
        started = time.perf_counter()
        with self._lock:  # the tokenizer is for one thread at a time
            ids = self._encoder.encode(messages)
        window = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if window and len(ids) + max_new_tokens > window:
            raise ModelError(
                f"the prompt has {len(ids)} tokens and the answer may have {max_new_tokens}, but "
                f"{self.name} reads {window} at most: ask with less evidence"
            )
        return self._read(ids, decoder, max_new_tokens, started)

    def _read(
        self, ids: list[int], decoder: str, limit: int, started: float
    ) -> Iterator[TokenStep | ReadTrace]:
        channel: Channel[TokenStep] = Channel()
        steps: list[TokenStep] = []
        first = 0.0
        for step in channel.run(
            lambda: self._generate(ids, decoder, limit, channel), f"hetarag-{self.name}"
        ):
            first = first or time.perf_counter() - started
            steps.append(step)
            yield step
        yield ReadTrace(
            reader=self.name,
            decoder=decoder,
            prompt_tokens=len(ids),
            answer_tokens=len(steps),
            first_token_seconds=first,
            seconds=time.perf_counter() - started,
            layers=tuple(step.layer for step in steps if step.layer is not None),
            tokens=tuple(steps),
        )

    def _generate(
        self, ids: list[int], decoder: str, limit: int, channel: Channel[TokenStep]
    ) -> None:
        """Generate in this thread; each token goes into the channel with its decoding step."""
        import torch
        from transformers import StoppingCriteriaList

        with self._lock, self._decoding(decoder) as trace, torch.inference_mode():
            if channel.cancelled.is_set():
                return
            sink = TokenSink(
                lambda tokens: str(self._tokenizer.decode(tokens, skip_special_tokens=True)),
                lambda _, text: channel.put(self._step(text, trace)),
                skip=frozenset(self._ends),
                stop=self._stop,
            )
            prompt = torch.tensor([ids], device=self._model.device)

            def stop(tokens: Any, *_: Any, **__: Any) -> Any:
                ended = sink.stopped or channel.cancelled.is_set()
                return torch.full((tokens.shape[0],), ended, device=tokens.device)

            self._model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=limit,
                streamer=sink,
                stopping_criteria=StoppingCriteriaList([stop]),
            )

    def _decoding(self, decoder: str) -> AbstractContextManager[Any]:
        method = self._methods[decoder]
        if method is None:
            return nullcontext()
        from hetarag.decoding import decoding

        return decoding(self._model, method, top=_SHOWN_TOKENS)

    def _step(self, text: str, trace: Any) -> TokenStep:
        """Join a token's text with the last decoding step of its trace."""
        if trace is None or not len(trace):
            return TokenStep(text)
        step = trace.steps[-1]
        return TokenStep(
            text,
            layer=step.layers[0] if step.layers else None,
            iks=tuple(step.iks[0]) if step.iks else None,
            changed=step.changed[0],
            top_final=self._tops(step.top_final),
            top_layer=self._tops(step.top_other) if step.top_other else (),
            top_fused=self._tops(step.top_fused),
        )

    def _tops(self, rows: Sequence[Sequence[Any]]) -> tuple[tuple[str, float], ...]:
        return tuple((str(self._tokenizer.decode([top.id])), top.score) for top in rows[0])


def _methods(model: Any) -> dict[str, Any]:
    """Return the decoders by name, the default first; None decodes without hooks."""
    from hetarag.decoding import DoLa, Greedy, decoding
    from hetarag.decoding.presets import DEFAULT, PAPER

    methods: dict[str, Any] = {
        "lfd": DEFAULT,
        "lfd-paper": PAPER,
        "greedy": Greedy(),
        "dola": DoLa(),
    }
    try:
        for method in methods.values():
            with decoding(model, method):
                pass
    except (UnsupportedModelError, ValueError):  # an unknown architecture, or too few layers
        return {"greedy": None}
    return methods


def _end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Return the tokens that end an answer, as the model or its tokenizer names them."""
    found = model.generation_config.eos_token_id
    tokens = list(found) if isinstance(found, list | tuple) else [found]
    return tuple(dict.fromkeys(t for t in (*tokens, tokenizer.eos_token_id) if t is not None))


def _plain_generation(ends: tuple[int, ...], tokenizer: Any) -> Any:
    """Return settings for greedy decoding, in place of those that came with the model."""
    import transformers

    settings: Any = transformers.GenerationConfig
    pad = tokenizer.pad_token_id
    if pad is None:
        pad = ends[0] if ends else 0
    return settings(
        do_sample=False,
        num_beams=1,
        eos_token_id=list(ends) or None,
        pad_token_id=pad,
        bos_token_id=tokenizer.bos_token_id,
    )
