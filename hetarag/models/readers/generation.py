"""One generation of a local model: its decoder, its cache, its tokens as they come."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from hetarag.decoding.settings import CAD, AdaCAD, DoLa, LayerFusion
from hetarag.errors import InputError, UnsupportedModelError
from hetarag.models.readers.chat_template import Prompt
from hetarag.models.readers.streaming import Channel, TokenSink
from hetarag.types import TokenStep

if TYPE_CHECKING:
    from hetarag.decoding.trace import Step, TopToken

_SHOWN_TOKENS = 5


class Generator:
    """Generates with one model, for one thread at a time.

    What comes before a prompt's last message (instructions and examples) is read by itself, and
    once: its cache is kept for the next prompt that begins in the same way. It is read by itself
    the first time too, so that the first answer is made as all the others are. With `share_prompts`
    the last prompt's cache is kept in the same way, all but its last token: for asking the same
    again with another decoder.
    """

    def __init__(
        self, model: Any, tokenizer: Any, stop: str | None, share_prompts: bool = False
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._stop = stop
        self._ends = _end_tokens(model, tokenizer)
        self._share_prompts = share_prompts
        self._prefix: tuple[list[int], Any] = ([], None)
        self._prompt: tuple[list[list[int]], Any] = ([], None)
        words = model.get_input_embeddings().weight.shape[0]
        model.generation_config = _plain_generation(self._ends, tokenizer, words)
        self.methods = _methods(model)

    def generate(
        self,
        prompt: Prompt,
        decoder: str,
        limit: int,
        channel: Channel[TokenStep],
        prompt_without_context: Prompt | None = None,
    ) -> None:
        """Generate in this thread; each token goes into the channel with its decoding step.

        `prompt_without_context` is the prompt less its evidence, for decoders that contrast the two.
        """
        import torch

        if channel.cancelled.is_set():
            return
        ids, mask = self._padded([prompt])
        with torch.inference_mode():
            cache = self._read_before(ids, prompt.stable)
            with self._decoding(
                decoder, [prompt_without_context] if prompt_without_context else []
            ) as trace:
                sink = self._sink(lambda _, text: channel.put(self._last_step(text, trace)))

                def stop(tokens: Any, *_: Any, **__: Any) -> Any:
                    ended = sink.stopped or channel.cancelled.is_set()
                    return torch.full((tokens.shape[0],), ended, device=tokens.device)

                self._model.generate(
                    ids,
                    attention_mask=mask,
                    past_key_values=cache,
                    max_new_tokens=limit,
                    streamer=sink,
                    stopping_criteria=[stop],
                )

    def generate_batch(
        self,
        prompts: Sequence[Prompt],
        decoder: str,
        limit: int,
        prompts_without_context: Sequence[Prompt] = (),
    ) -> list[tuple[TokenStep, ...]]:
        """Generate for all prompts in one batch, padded on the left; return each one's tokens.

        A row ends where it would end alone. Of each step's best tokens only the first is kept.
        """
        import torch

        ids, mask = self._padded(prompts)
        with torch.inference_mode():
            cache = self._cache_of_batch(ids, mask)
            with self._decoding(decoder, prompts_without_context, top=1) as trace:
                rows = [_Row(self._sink, self._ends) for _ in prompts]

                def stop(tokens: Any, *_: Any, **__: Any) -> Any:
                    new = tokens[:, -1:].cpu().unbind()  # the host waits once a step
                    for row, token in zip(rows, new, strict=True):
                        row.take(token)
                    return torch.tensor([row.ended for row in rows], device=tokens.device)

                self._model.generate(
                    ids,
                    attention_mask=mask,
                    past_key_values=cache,
                    max_new_tokens=limit,
                    stopping_criteria=[stop],
                )
                steps = trace.steps if trace is not None else []
        return [
            tuple(self._step(text, steps[at] if steps else None, number) for at, text in row.texts)
            for number, row in enumerate(rows)
        ]

    def candidates(self, decoder: str) -> tuple[int, ...]:
        """Return the layers that a decoder chooses from; () where it chooses none."""
        from hetarag.decoding.registry import method_named

        method = method_named(decoder)
        if len(self.methods) == 1 or not isinstance(method, LayerFusion | DoLa):
            return ()
        return method.layers(self._model.config.get_text_config().num_hidden_layers)

    def _read_before(self, ids: Any, stable: int) -> Any:
        """Return a cache that has read the start of `ids`, this call's own; None for no start."""
        if not self._share_prompts:
            return copy.deepcopy(self._cached(ids[:, :stable]))

        def read() -> Any:
            cache = copy.deepcopy(self._cached(ids[:, :stable]))
            rest = ids[:, stable:-1]
            if rest.shape[1]:
                output = self._model(
                    input_ids=rest, past_key_values=cache, use_cache=True, logits_to_keep=1
                )
                cache = output.past_key_values
            return cache

        return self._shared(ids, read)

    def _cache_of_batch(self, ids: Any, mask: Any) -> Any:
        """Return a cache that has read all of the prompts but their last tokens; None for no start."""
        if not self._share_prompts or ids.shape[1] < 2:
            return None

        def read() -> Any:
            seen = mask[:, :-1]
            positions = {"position_ids": (seen.cumsum(-1) - 1).clamp(min=0)}
            if "position_ids" not in inspect.signature(self._model.forward).parameters:
                positions = {}  # such a model counts along the mask itself
            output = self._model(
                input_ids=ids[:, :-1],
                attention_mask=seen,
                use_cache=True,
                logits_to_keep=1,
                **positions,
            )
            return output.past_key_values

        return self._shared(ids, read)

    def _shared(self, ids: Any, read: Callable[[], Any]) -> Any:
        """Return a cache of this call's own of what `read` has read of `ids`, or reads now."""
        known = ids[:, :-1].tolist()
        if self._prompt[0] != known:
            self._prompt = ([], None)  # one at a time is kept
            self._prompt = (known, read())
        return copy.deepcopy(self._prompt[1])

    def _padded(self, prompts: Sequence[Prompt]) -> tuple[Any, Any]:
        """Return ids and attention mask, (rows, longest), filled up on the left."""
        import torch

        longest = max(len(prompt.ids) for prompt in prompts)
        fill = [longest - len(prompt.ids) for prompt in prompts]
        pad = self._model.generation_config.pad_token_id
        ids = [[pad] * n + prompt.ids for n, prompt in zip(fill, prompts, strict=True)]
        mask = [[0] * n + [1] * (longest - n) for n in fill]
        device = self._model.device
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)

    def _sink(self, emit: Callable[[int, str], None]) -> TokenSink:
        return TokenSink(self._text, emit, skip=frozenset(self._ends), stop=self._stop)

    def _cached(self, prefix: Any) -> Any:
        """Return the cache that has read `prefix`; None where there is nothing."""
        ids = prefix[0].tolist()
        if not ids:
            return None
        if self._prefix[0] != ids:
            self._prefix = ([], None)  # one at a time is kept
            output = self._model(input_ids=prefix, use_cache=True, logits_to_keep=1)
            self._prefix = (ids, output.past_key_values)
        return self._prefix[1]

    def _decoding(
        self, decoder: str, prompts_without_context: Sequence[Prompt], top: int = _SHOWN_TOKENS
    ) -> AbstractContextManager[Any]:
        if len(self.methods) == 1:
            return nullcontext()
        from hetarag.decoding import decoding
        from hetarag.decoding.registry import method_named

        method = method_named(decoder)
        without = None
        if isinstance(method, CAD | AdaCAD):
            if not prompts_without_context:
                raise InputError(
                    f"{decoder} contrasts the prompt with the one without evidence, which is missing"
                )
            ids, mask = self._padded(prompts_without_context)
            without = {"input_ids": ids, "attention_mask": mask}
        return decoding(self._model, method, without_context=without, top=top)

    def _last_step(self, text: str, trace: Any) -> TokenStep:
        """Join a token's text with the last decoding step of its trace."""
        return self._step(text, trace.steps[-1] if trace else None, 0)

    def _step(self, text: str, step: Step | None, row: int) -> TokenStep:
        if step is None:
            return TokenStep(text)
        return TokenStep(
            text,
            layer=step.layers[row] if step.layers else None,
            iks=tuple(step.iks[row]) if step.iks else None,
            changed=step.changed[row],
            top_final=self._tops(step.top_final[row]),
            top_layer=self._tops(step.top_other[row]) if step.top_other else (),
            top_fused=self._tops(step.top_fused[row]),
        )

    def _tops(self, tokens: Sequence[TopToken]) -> tuple[tuple[str, float], ...]:
        return tuple((str(self._tokenizer.decode([top.id])), top.score) for top in tokens)

    def _text(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))


class _Row:
    """One row of a batch: its texts as they come, each with the number of its step."""

    def __init__(
        self, sink: Callable[[Callable[[int, str], None]], TokenSink], ends: Sequence[int]
    ) -> None:
        self.texts: list[tuple[int, str]] = []
        self.ended = False
        self._step = -1
        self._ends = frozenset(ends)
        self._sink = sink(lambda _, text: self.texts.append((self._step, text)))
        self._sink.put(None)  # the prompt

    def take(self, token: Any) -> None:
        """Take the next token; what comes after the end is padding."""
        self._step += 1
        if self.ended:
            return
        self._sink.put(token)
        self.ended = self._sink.stopped or int(token) in self._ends


def _methods(model: Any) -> tuple[str, ...]:
    """Return the decoders that this model can use, layer fusion first.

    An unknown architecture, or one of too few layers, decodes greedily alone.
    """
    from hetarag.decoding.registry import DECODERS

    declared = set(DECODERS.declared())
    own = [name for name in DECODERS.names() if name not in declared]
    if not all(_works(model, name) for name in own):
        return ("greedy",)
    return (*own, *(name for name in sorted(declared) if _works(model, name)))


def _works(model: Any, name: str) -> bool:
    from hetarag.decoding import decoding
    from hetarag.decoding.registry import decoder_named

    decoder = decoder_named(name)
    if decoder.contrasts_contexts:  # those work without layers, on any model
        return True
    try:
        with decoding(model, decoder.settings):
            return True
    except (UnsupportedModelError, InputError):
        return False


def _end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Return the tokens that end an answer, as the model or its tokenizer names them."""
    found = model.generation_config.eos_token_id
    tokens = list(found) if isinstance(found, list | tuple) else [found]
    return tuple(dict.fromkeys(t for t in (*tokens, tokenizer.eos_token_id) if t is not None))


def _plain_generation(ends: tuple[int, ...], tokenizer: Any, words: int) -> Any:
    """Return settings for greedy decoding, in place of those that came with the model.

    A tokenizer's padding may have been added to it and not to the model, which knows `words` tokens.
    """
    import transformers

    settings: Any = transformers.GenerationConfig
    pad = tokenizer.pad_token_id
    if pad is None or pad >= words:
        pad = ends[0] if ends else 0
    return settings(
        do_sample=False,
        num_beams=1,
        eos_token_id=list(ends) or None,
        pad_token_id=pad,
        bos_token_id=tokenizer.bos_token_id,
    )
