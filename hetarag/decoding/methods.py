"""One door for every decoding method: `decoding(model, settings)`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from hetarag.decoding.checks import check_model
from hetarag.decoding.context_aware import Prompt
from hetarag.decoding.dola import DoLaRule
from hetarag.decoding.greedy import GreedyRule
from hetarag.decoding.hooks import Rule
from hetarag.decoding.lfd import LayerFusionRule
from hetarag.decoding.registry import NAMES, decoder_of, name_of
from hetarag.decoding.session import Session
from hetarag.decoding.settings import Method
from hetarag.decoding.trace import DecodingTrace
from hetarag.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@contextmanager
def decoding(
    model: PreTrainedModel,
    method: Method,
    *,
    without_context: Prompt | None = None,
    top: int = 5,
) -> Iterator[DecodingTrace]:
    """Make `model.generate` decode by `method` inside the block, and yield the trace.

    `without_context` is the prompt less its passages, one row per prompt, left-padded: `CAD` and
    `AdaCAD` need it. `top` tokens of each distribution are kept per step.

    Raises `InputError` and `UnsupportedModelError` as `layer_fused` does.
    """
    rule = rule_for(model, method, without_context, top)
    trace = DecodingTrace(name_of(method), rule.layers, top)
    with Session(model, rule, trace):
        yield trace


def layer_fusion_rule(model: Any, method: Any, _without_context: Any, top: int) -> Rule:
    """Return layer fusion at work on a model."""
    return LayerFusionRule(model, method, top)


def dola_rule(model: Any, method: Any, _without_context: Any, top: int) -> Rule:
    """Return DoLa at work on a model."""
    return DoLaRule(model, method, top)


def greedy_rule(_model: Any, _method: Any, _without_context: Any, top: int) -> Rule:
    """Return greedy decoding, which needs nothing of the model."""
    return GreedyRule(top)


def rule_for(model: Any, method: Method, without_context: Prompt | None, top: int) -> Rule:
    """Return the rule of a method on a model.

    Raises `InputError` for anything but the settings of a method, and where the prompt without
    context is missing or of no use; `UnsupportedModelError` for the model.
    """
    check_model(model)
    found = decoder_of(method)
    if found is None:
        names = ", ".join(x.__name__ for x in NAMES)
        raise InputError(f"{method!r} is no decoding method: use the settings {names}")
    name, decoder = found
    if top < 1:
        raise InputError(f"top must be at least 1, not {top!r}")
    if decoder.contrasts_contexts != (without_context is not None):
        needs = "needs" if decoder.contrasts_contexts else "has no use for"
        raise InputError(
            f"{name} {needs} without_context=: the tokens of the prompt less its passages; CAD and "
            "AdaCAD alone contrast the two"
        )
    return cast(Rule, decoder.make_rule()(model, method, without_context, top))
