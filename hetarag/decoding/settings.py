"""The settings of each decoding method: plain frozen values, importable without torch.

Defaults are those of the papers: LFD arXiv 2508.19614, DoLa arXiv 2309.03883, CAD arXiv 2305.14739,
AdaCAD arXiv 2409.07394.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hetarag.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

_BEFORE_LAST = {"late": 3, "last": 1}
"""Names of candidates, and how many blocks before the last one they stand for."""


@dataclass(frozen=True, slots=True)
class LayerFusion:
    """Layer Fused Decoding (arXiv 2508.19614); the defaults are the paper's settings.

    At each step the layer whose FFN adds least internal knowledge is chosen per row, and its
    distribution g is fused with the model's own f: s = f + weight * g on the tokens that f finds
    plausible, minus infinity elsewhere.

    Raises `InputError` for a value outside its range.
    """

    score: Literal["paper", "jsd"] = "paper"
    """Internal knowledge score: as in the released code, or the Jensen-Shannon divergence."""
    candidates: Literal["paper", "late", "last"] | tuple[int, ...] | range = "paper"
    """1-based layers to choose from; "paper" is every even l with L/2 <= l < L, "late" the three
    before the last block, "last" the one before it."""
    fuse_normed: bool = False
    """Whether g is read through the final norm (the paper reads it without)."""
    relative_top: float = 0.1
    """Tokens with f < max f + log(relative_top) are dropped; 0 keeps all."""
    weight: float = 1.0
    """Weight of g; 0 is greedy decoding within the plausible tokens."""
    gate: Callable[[Tensor, Tensor], Tensor] | None = None
    """A factor of `weight` for each row: (f, g), both rows x V log-probabilities, to (rows,);
    clamped to [0, 1]. One with a true `needs_final_only` does not look at g: on a CPU it is asked
    before any layer is read."""

    def __post_init__(self) -> None:
        _one_of("score", self.score, ("paper", "jsd"))
        _relative_top(self.relative_top)
        _weight("weight", self.weight)
        if not isinstance(self.fuse_normed, bool):
            raise InputError(f"fuse_normed must be True or False, not {self.fuse_normed!r}")
        if self.gate is not None and not callable(self.gate):
            raise InputError(f"gate must be None or a function of (f, g), not {self.gate!r}")
        object.__setattr__(
            self, "candidates", _candidates(self.candidates, ("paper", *_BEFORE_LAST))
        )

    def layers(self, blocks: int) -> tuple[int, ...]:
        """Return the candidate layers in a model of so many blocks, ascending.

        Raises `InputError` where none is left, or where one is outside 1 to blocks - 1.
        """
        if isinstance(self.candidates, str) and self.candidates in _BEFORE_LAST:
            first = max(1, blocks - _BEFORE_LAST[self.candidates])
            return _within(range(first, max(2, blocks)), blocks)
        if isinstance(self.candidates, str):
            return _within(range(blocks // 2, blocks), blocks, even_and_at_least=blocks / 2)
        return _within(self.candidates, blocks)


@dataclass(frozen=True, slots=True)
class DoLa:
    """Decoding by contrasting layers (arXiv 2309.03883): s = log p_L - log p_l on the plausible.

    The premature layer l is the one whose distribution, read without the final norm, differs most
    (Jensen-Shannon divergence) from the last layer's. Raises `InputError` for a bad value.
    """

    candidates: Literal["low", "high"] | tuple[int, ...] | range = "high"
    """1-based layers; "low" and "high" are the even layers of either half."""
    relative_top: float = 0.1
    """Tokens with f < max f + log(relative_top) are dropped; 0 keeps all."""

    def __post_init__(self) -> None:
        _relative_top(self.relative_top)
        object.__setattr__(self, "candidates", _candidates(self.candidates, ("low", "high")))

    def layers(self, blocks: int) -> tuple[int, ...]:
        """Return the candidate layers in a model of so many blocks; `InputError` where none is."""
        if not isinstance(self.candidates, str):
            return _within(self.candidates, blocks)
        if self.candidates == "low":
            return _within(range(1, math.ceil(blocks / 2)), blocks, even_and_at_least=0)
        return _within(range(blocks // 2, blocks), blocks, even_and_at_least=blocks / 2)


@dataclass(frozen=True, slots=True)
class CAD:
    """Context-aware decoding (arXiv 2305.14739): (1 + alpha) logit(c, x) - alpha logit(x).

    Needs the prompt without its context, and a second pass per token.
    """

    alpha: float = 0.5

    def __post_init__(self) -> None:
        _weight("alpha", self.alpha)


@dataclass(frozen=True, slots=True)
class AdaCAD:
    """Adaptive context-aware decoding (arXiv 2409.07394): CAD whose alpha is found at each step.

    alpha is the Jensen-Shannon divergence, in nats, of the distributions with and without the
    context: 0 where they agree, log 2 at most.
    """


@dataclass(frozen=True, slots=True)
class Greedy:
    """The model's own distribution, untouched: the baseline, with the same trace."""


Method = LayerFusion | DoLa | CAD | AdaCAD | Greedy
"""Settings of any decoding method."""


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _is_number(value: object) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(value)  # type: ignore[arg-type]  # narrowed above


def _relative_top(value: float) -> None:
    if not _is_number(value) or not 0 <= value <= 1:
        raise InputError(f"relative_top must lie in [0, 1], not {value!r}")


def _weight(name: str, value: float) -> None:
    if not _is_number(value) or value < 0:
        raise InputError(f"{name} must be a finite number >= 0, not {value!r}")


def _candidates(candidates: object, names: tuple[str, ...]) -> object:
    """Check candidates and return them, a list as a tuple: a frozen value should stay hashable."""
    if isinstance(candidates, str):
        _one_of("candidates", candidates, names)
        return candidates
    candidates = tuple(candidates) if isinstance(candidates, list) else candidates
    if not isinstance(candidates, tuple | range):
        raise InputError(f"candidates must be a name, a tuple or a range, not {candidates!r}")
    if len(candidates) == 0:
        raise InputError("candidates is empty: name at least one layer to choose from")
    for layer in candidates:
        if isinstance(layer, bool) or not isinstance(layer, int) or layer < 1:
            raise InputError(f"candidates are layer numbers from 1 on, not {layer!r}")
    return candidates


def _within(
    candidates: Iterable[int], blocks: int, even_and_at_least: float | None = None
) -> tuple[int, ...]:
    layers = sorted(set(candidates))
    if even_and_at_least is not None:
        layers = [x for x in layers if x % 2 == 0 and x >= max(even_and_at_least, 1)]
        if not layers:
            raise InputError(
                f"a model of {blocks} blocks has no even layer to choose from: pass candidates=(...)"
            )
    outside = [x for x in layers if not 1 <= x < blocks]
    if outside:
        raise InputError(
            f"layers {outside} are not in this model: candidates must lie in 1 to {blocks - 1} "
            f"(it has {blocks} blocks, and the last one is the output itself)"
        )
    return tuple(layers)
