"""The door for `model.generate(..., custom_generate=...)`: any decoding method as a callable."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from hetarag.decoding.checks import check_generation, check_processors
from hetarag.decoding.context_aware import Prompt
from hetarag.decoding.methods import rule_for
from hetarag.decoding.registry import name_of
from hetarag.decoding.session import Session
from hetarag.decoding.settings import LayerFusion, Method
from hetarag.decoding.trace import DecodingTrace
from hetarag.errors import InputError


class CustomGenerate:
    """`model.generate(**inputs, custom_generate=CustomGenerate(settings))`; then read `.trace`.

    generate drops `streamer`, `tokenizer`, `synced_gpus` and `assistant_model` on the way to a
    callable (an iterator streamer given to generate then waits for ever): give the streamer here.
    For the others use `layer_fused`, which loses nothing.
    """

    def __init__(
        self,
        method: Method | None = None,
        *,
        streamer: Any = None,
        without_context: Prompt | None = None,
        top: int = 5,
    ) -> None:
        self.method = LayerFusion() if method is None else method
        self.streamer, self.without_context, self.top = streamer, without_context, top
        self.trace = DecodingTrace(name_of(self.method), top=top)

    def __call__(
        self,
        model: Any,
        input_ids: Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        **model_kwargs: Any,
    ) -> Any:
        """Decode, as generate would by itself; called by generate.

        Raises `InputError` and `UnsupportedModelError` as `layer_fused` does.
        """
        rule = rule_for(model, self.method, self.without_context, self.top)

        def setting(name: str) -> Any:
            value = model_kwargs.get(name)
            return getattr(generation_config, name, None) if value is None else value

        check_generation(setting)
        check_processors(logits_processor)
        check = getattr(rule, "check", None)
        if check is not None:
            check(setting)
        beams = generation_config.num_beams or 1
        arguments = dict(model_kwargs)
        if self.streamer is not None:
            if beams > 1:
                raise InputError("beam search cannot stream: drop the streamer, or num_beams")
            self.streamer.put(input_ids.cpu())
            arguments["streamer"] = self.streamer
        loop = type(model)._beam_search if beams > 1 else type(model)._sample
        self.trace = DecodingTrace(name_of(self.method), rule.layers, self.top)
        with Session(model, rule, self.trace) as session:
            session.begin(max(beams, generation_config.num_return_sequences or 1))
            return loop(
                model,
                input_ids,
                logits_processor=logits_processor,
                stopping_criteria=stopping_criteria,
                generation_config=generation_config,
                **arguments,
            )
