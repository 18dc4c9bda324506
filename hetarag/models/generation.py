"""One generation of a local model: its decoder, its cache, its tokens as they come."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from hetarag.errors import InputError, UnsupportedModelError
from hetarag.models.chat import Prompt
from hetarag.models.streaming import Channel, TokenSink
from hetarag.types import TokenStep

_SHOWN_TOKENS = 5


class Generator:
    """Generates with one model, for one thread at a time.

    What comes before a prompt's last message (instructions and examples) is read by itself, and
    once: its cache is kept for the next prompt that begins in the same way. It is read by itself
    the first time too, so that the first answer is made as all the others are.
    """

    def __init__(self, model: Any, tokenizer: Any, stop: str | None) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._stop = stop
        self._ends = _end_tokens(model, tokenizer)
        self._prefix: tuple[list[int], Any] = ([], None)
        model.generation_config = _plain_generation(self._ends, tokenizer)
        self.methods = _methods(model)

    def generate(
        self, prompt: Prompt, decoder: str, limit: int, channel: Channel[TokenStep]
    ) -> None:
        """Generate in this thread; each token goes into the channel with its decoding step."""
        import torch

        if channel.cancelled.is_set():
            return
        device = self._model.device
        ids = torch.tensor([prompt.ids], device=device)
        with torch.inference_mode():
            cache = self._cached(ids[:, : prompt.stable])
            with self._decoding(decoder) as trace:
                sink = TokenSink(
                    self._text, lambda _, text: channel.put(self._step(text, trace)),
                    skip=frozenset(self._ends), stop=self._stop,
                )  # fmt: skip

                def stop(tokens: Any, *_: Any, **__: Any) -> Any:
                    ended = sink.stopped or channel.cancelled.is_set()
                    return torch.full((tokens.shape[0],), ended, device=tokens.device)

                self._model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    past_key_values=cache,
                    max_new_tokens=limit,
                    streamer=sink,
                    stopping_criteria=[stop],
                )

    def _cached(self, prefix: Any) -> Any:
        """Return a cache that has read `prefix`, its own copy; None where there is nothing."""
        ids = prefix[0].tolist()
        if not ids:
            return None
        if self._prefix[0] != ids:
            self._prefix = ([], None)  # one at a time is kept
            output = self._model(input_ids=prefix, use_cache=True, logits_to_keep=1)
            self._prefix = (ids, output.past_key_values)
        return copy.deepcopy(self._prefix[1])

    def _decoding(self, decoder: str) -> AbstractContextManager[Any]:
        method = self.methods[decoder]
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

    def _text(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))


def _methods(model: Any) -> dict[str, Any]:
    """Return the decoders by name, the default first; None decodes without hooks."""
    from hetarag.decoding import DoLa, Greedy, decoding
    from hetarag.decoding.presets import DEFAULT, PAPER

    methods: dict[str, Any] = {
        "lfd": DEFAULT, "lfd-paper": PAPER, "greedy": Greedy(), "dola": DoLa(),
    }  # fmt: skip
    try:
        for method in methods.values():
            with decoding(model, method):
                pass
    except (UnsupportedModelError, InputError):  # an unknown architecture, or too few layers
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
