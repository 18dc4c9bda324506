"""One door for every decoding method: `decoding(model, settings)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hetarag.decoding.checks import check_model
from hetarag.decoding.context_aware import ContextRule, Prompt
from hetarag.decoding.dola import DoLaRule
from hetarag.decoding.greedy import GreedyRule
from hetarag.decoding.hooks import Rule
from hetarag.decoding.lfd import LayerFusionRule
from hetarag.decoding.registry import NAMES
from hetarag.decoding.session import Session
from hetarag.decoding.settings import CAD, AdaCAD, DoLa, Greedy, LayerFusion, Method
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
    trace = DecodingTrace(NAMES[type(method)], rule.layers, top)
    with Session(model, rule, trace):
        yield trace


Maker = Callable[[Any, Any, Any, int], Rule]

_RULES: dict[type[Method], Maker] = {
    LayerFusion: lambda model, method, _, top: LayerFusionRule(model, method, top),
    DoLa: lambda model, method, _, top: DoLaRule(model, method, top),
    CAD: ContextRule,
    AdaCAD: ContextRule,
    Greedy: lambda _model, _method, _, top: GreedyRule(top),
}


def rule_for(model: Any, method: Method, without_context: Prompt | None, top: int) -> Rule:
    """Return the rule of a method on a model.

    Raises `InputError` for anything but the settings of a method, and where the prompt without
    context is missing or of no use; `UnsupportedModelError` for the model.
    """
    check_model(model)
    if type(method) not in _RULES:
        names = ", ".join(x.__name__ for x in _RULES)
        raise InputError(f"{method!r} is no decoding method: use the settings {names}")
    if top < 1:
        raise InputError(f"top must be at least 1, not {top!r}")
    if isinstance(method, CAD | AdaCAD) != (without_context is not None):
        raise InputError(
            "CAD and AdaCAD, and only they, need without_context=: the tokens of the prompt less "
            "its passages"
        )
    return _RULES[type(method)](model, method, without_context, top)
