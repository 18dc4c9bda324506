"""A block inside which a model decodes by a rule: installs everything, and removes it whatever happens."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from hetarag.decoding.checks import check_generation, check_model
from hetarag.decoding.compiled import Call, compiled_step
from hetarag.decoding.families import stack_of
from hetarag.decoding.hooks import Pass, Rule, project_extra_rows, watch_blocks
from hetarag.decoding.trace import DecodingTrace, Record
from hetarag.errors import InputError, UnsupportedModelError

_MARK = "_layer_decoding_session"
"""Attribute of a model that is being decoded; the same in exported copies of this file."""


class Session:
    """Context manager that makes `model.generate` decode by `rule` and writes `trace`.

    One `generate` runs at a time: a second thread waits for the first. Leaving the block while
    another thread generates stops that thread with an error.
    """

    def __init__(self, model: Any, rule: Rule, trace: DecodingTrace) -> None:
        self.model, self.rule, self.trace = model, rule, trace
        self._handles: list[RemovableHandle] = []
        self.now: Pass | None = None
        """What the pass under way has shown; None while the hooks should stay out of the way."""
        self._call = -1
        self._generating = False
        self._closed = False
        self._lock = threading.RLock()
        self._shadowed: dict[str, Any] = {}

    def __enter__(self) -> Session:
        check_model(self.model)
        if getattr(self.model, _MARK, None) is not None:
            raise InputError(
                "the model is already inside a decoding block: leave that one first, as two rules "
                "cannot share a model"
            )
        try:
            self._install()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True  # stops a generate that still runs in another thread at its next token
        with self._lock:
            self._remove()

    def begin(self, expand: int) -> None:
        """Announce a generation: the next call of the model is its prefill."""
        self._call += 1
        self._generating = True
        self.rule.begin(expand)

    def _install(self) -> None:
        model, rule = self.model, self.rule
        if rule.layers:
            for handle in watch_blocks(stack_of(model), rule, self._pass):
                self._handles.append(handle)  # one by one: the next may fail
            self._handles += project_extra_rows(model.get_output_embeddings(), rule, self._pass)
        self._handles.append(model.register_forward_pre_hook(self._before, with_kwargs=True))
        self._handles.append(model.register_forward_hook(self._after))
        # A repository with a recipe of its own puts that over the class's method: put it back later.
        own = {"generate": self._generate, "get_compiled_call": self._compiled_call}
        self._shadowed = {name: model.__dict__.get(name) for name in own}
        setattr(model, _MARK, self)
        for name, method in own.items():
            setattr(model, name, method)

    def _remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.now = None
        if self.model.__dict__.pop(_MARK, None) is not None:
            for name, before in self._shadowed.items():
                delattr(self.model, name)
                if before is not None:
                    setattr(self.model, name, before)

    def _pass(self) -> Pass | None:
        return self.now

    def _compiled_call(self, compile_config: Any = None) -> Call:
        """In place of `model.get_compiled_call`, which generate asks for steps after the prefill."""
        if not self.rule.compiles or "flash" in str(self.model.config._attn_implementation):
            # Nor can transformers compile flash attention over a static cache in one piece.
            uncompiled: Call = self.model.__call__
            return uncompiled
        from transformers import CompileConfig
        from transformers.modeling_outputs import CausalLMOutputWithPast

        default = getattr(self.model, "_default_compile_config", CompileConfig)
        step = compiled_step(self, compile_config or default())

        def call(**inputs: Any) -> Any:
            if inputs.get("output_attentions") or inputs.get("output_hidden_states"):
                return self.model(**inputs)
            self._check_open()
            with torch.no_grad():
                scores, record = step(inputs)
            self._note(record)
            return CausalLMOutputWithPast(
                logits=scores[:, None], past_key_values=inputs["past_key_values"]
            )

        return call

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("the decoding block was left while the model was still generating")

    def _note(self, record: Record) -> None:
        record.call = self._call
        self.trace.records.append(record)

    def _before(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._check_open()
        inputs = dict(kwargs)
        if args:
            names = inspect.signature(self.model.forward).parameters
            inputs.update(zip(names, args, strict=False))
        if self.rule.layers and inputs.get("logits_to_keep", 0) != 1 and _length(inputs) > 1:
            raise InputError(
                "layer decoding reads the last position only, and this call asks for all of them: "
                "use generate(), or pass logits_to_keep=1"
            )
        if not self._generating:
            self._begin_of_own_loop(inputs)
        self.now = Pass(inputs)

    def _begin_of_own_loop(self, inputs: Mapping[str, Any]) -> None:
        """In a loop of the caller's own, an empty cache means new sequences."""
        cache = inputs.get("past_key_values")
        if cache is None or int(cache.get_seq_length()) == 0:
            self._call += 1
            self.rule.begin(1)

    @torch.no_grad()  # the rule writes in place, and nobody trains through a decoder
    def _after(self, _: nn.Module, __: Any, output: Any) -> None:
        now, self.now = self.now, None
        if now is None:
            return
        if now.asked and now.extra is None:
            raise UnsupportedModelError("lm_head took extra rows but its hook never ran")
        if not hasattr(output, "logits"):
            raise InputError("inside a decoding block call the model with return_dict=True")
        fused, record = self.rule.fuse(now, output.logits[:, -1])
        self._note(record)
        if fused is not None:
            output.logits = fused[:, None]

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        """`model.generate` inside the block: the class's own, checked."""
        if self._generating and self._lock.acquire(blocking=False):
            self._lock.release()  # only the thread that generates gets here
            raise InputError("generate was called from inside a generate of the same model")
        with self._lock:
            if self._closed:
                raise InputError("the decoding block was left: enter it again to generate")
            own = type(self.model).generate
            given = dict(inspect.signature(own).bind(self.model, *args, **kwargs).arguments)
            given.pop(next(iter(given)))
            given.update(given.pop("kwargs", {}))
            expand = self._check(given)
            first = len(self.trace)
            self.begin(expand)
            try:
                result = own(self.model, **given)
            finally:
                self._generating = False
                self.now = None
            self._finish(first, given, result, self._reader(given)("num_beams"))
            return result

    def _reader(self, given: Mapping[str, Any]) -> Any:
        """Read settings as generate does: an argument, else its configuration, else the model's."""
        sources = [given.get("generation_config"), self.model.generation_config]

        def setting(name: str) -> Any:
            if given.get(name) is not None:
                return given[name]
            values = (getattr(x, name, None) for x in sources if x is not None)
            return next((x for x in values if x is not None), None)

        return setting

    def _check(self, given: Mapping[str, Any]) -> int:
        setting = self._reader(given)
        check_generation(setting)
        check = getattr(self.rule, "check", None)
        if check is not None:
            check(setting)
        return max(setting("num_beams") or 1, setting("num_return_sequences") or 1)

    def _finish(self, first: int, given: Mapping[str, Any], result: Any, beams: int | None) -> None:
        if len(self.trace) == first:
            raise UnsupportedModelError(
                "generate ran without calling the model's hooks, so nothing was fused: the model's "
                "call was compiled before the block was entered. Load the model anew."
            )
        if (beams or 1) > 1:
            return
        sequences: Tensor = getattr(result, "sequences", result)
        emitted = sequences.shape[1] - _length(given, default=1)
        # On some devices generate runs one step past the end and takes it back.
        del self.trace.records[first + emitted :]
        self.trace.emitted(first, sequences[:, sequences.shape[1] - emitted :])


def _length(inputs: Mapping[str, Any], default: int = 0) -> int:
    """Length of the prompt in ids; embeddings do not come back with the output, so count as 0."""
    ids = inputs.get("input_ids")
    ids = inputs.get("inputs") if ids is None else ids
    if isinstance(ids, Tensor):
        return ids.shape[1]
    return 0 if inputs.get("inputs_embeds") is not None else default
