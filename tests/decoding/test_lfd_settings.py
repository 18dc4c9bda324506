"""Candidates by hand, and values that are refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hetarag.decoding import CAD, DoLa, LayerFusion
from hetarag.decoding.registry import DEFAULT, PAPER
from hetarag.errors import InputError


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (32, (16, 18, 20, 22, 24, 26, 28, 30)),
        (36, (18, 20, 22, 24, 26, 28, 30, 32, 34)),
        (30, (16, 18, 20, 22, 24, 26, 28)),
        (24, (12, 14, 16, 18, 20, 22)),
        (5, (4,)),
        (3, (2,)),
    ],
)
def test_the_papers_candidates(blocks: int, expected: tuple[int, ...]) -> None:
    assert LayerFusion().layers(blocks) == expected


@pytest.mark.parametrize(("blocks", "expected"), [(24, (21, 22, 23)), (3, (1, 2)), (2, (1,))])
def test_late_candidates(blocks: int, expected: tuple[int, ...]) -> None:
    assert LayerFusion(candidates="late").layers(blocks) == expected
    assert LayerFusion(candidates="last").layers(blocks) == expected[-1:]


def test_a_model_of_one_block_has_no_late_candidate() -> None:
    with pytest.raises(InputError, match="not in this model"):
        LayerFusion(candidates="late").layers(1)


def test_dolas_halves() -> None:
    assert DoLa("low").layers(12) == (2, 4)
    assert DoLa("high").layers(12) == (6, 8, 10)
    assert DoLa((3,)).layers(12) == (3,)


def test_explicit_layers_are_sorted_and_may_be_odd() -> None:
    assert LayerFusion(candidates=(9, 3, 9)).layers(12) == (3, 9)
    assert LayerFusion(candidates=range(8, 11)).layers(12) == (8, 9, 10)


@pytest.mark.parametrize("settings", [LayerFusion(), DoLa("low"), DoLa("high")])
def test_a_model_of_two_blocks_has_no_candidate(settings: LayerFusion | DoLa) -> None:
    with pytest.raises(InputError, match="no even layer"):
        settings.layers(2)


@pytest.mark.parametrize("layer", [12, 13, 99])
def test_a_layer_outside_the_model_is_refused(layer: int) -> None:
    with pytest.raises(InputError, match=str(layer)):
        LayerFusion(candidates=(4, layer)).layers(12)


@pytest.mark.parametrize(
    "values",
    [
        {"score": "kl"},
        {"candidates": ()},
        {"candidates": []},
        {"candidates": range(0)},
        {"candidates": "low"},
        {"candidates": (0, 4)},
        {"candidates": (-1,)},
        {"candidates": (4.0,)},
        {"candidates": (True,)},
        {"candidates": 4},
        {"relative_top": -0.1},
        {"relative_top": 1.1},
        {"relative_top": float("nan")},
        {"weight": float("inf")},
        {"weight": -1.0},
        {"weight": "1"},
        {"fuse_normed": 1},
        {"gate": 0.5},
    ],
    ids=str,
)
def test_values_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        LayerFusion(**values)


def test_settings_are_frozen_values() -> None:
    assert LayerFusion() == PAPER == LayerFusion("paper", "paper", False, 0.1, 1.0, None)
    assert hash(LayerFusion(candidates=[4, 6])) == hash(LayerFusion(candidates=(4, 6)))  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        PAPER.weight = 2.0  # type: ignore[misc]
    assert isinstance(DEFAULT, LayerFusion)


def test_cads_alpha_is_checked() -> None:
    with pytest.raises(InputError, match="alpha"):
        CAD(-0.5)
