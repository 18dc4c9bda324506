"""Scores and fusion by hand, and against float64 over many sizes of difference."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hetarag.decoding import LayerFusion
from hetarag.decoding.lfd import fuse_scores, keep_plausible
from hetarag.decoding.scores import score
from hetarag.errors import InputError
from tests.decoding.reference import divergence


def logs(*p: float) -> torch.Tensor:
    return torch.tensor([p]).log()


def test_scores_by_hand() -> None:
    p, q = logs(0.5, 0.5), logs(0.9, 0.1)  # M = (0.7, 0.3)
    to_p = 0.7 * math.log(0.7 / 0.5) + 0.3 * math.log(0.3 / 0.5)
    to_q = 0.7 * math.log(0.7 / 0.9) + 0.3 * math.log(0.3 / 0.1)
    assert score("paper", p, q).item() == pytest.approx((to_p + to_q) / (2 * 2), rel=1e-6)
    from_p = 0.5 * math.log(0.5 / 0.7) + 0.5 * math.log(0.5 / 0.3)
    from_q = 0.9 * math.log(0.9 / 0.7) + 0.1 * math.log(0.1 / 0.3)
    assert score("jsd", p, q).item() == pytest.approx((from_p + from_q) / 2, rel=1e-6)


def test_the_two_scores_can_choose_differently() -> None:
    """The reversed divergence grows without bound where P and Q have nothing in common."""
    p = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    q = torch.tensor([[[0.0, 0.0, -60.0], [1.7, 0.0, -1.7]]])
    assert score("paper", p, q).argmin(-1).tolist() == [1]
    assert score("jsd", p, q).argmin(-1).tolist() == [0]


def test_disjoint_distributions_stay_finite() -> None:
    p, q = torch.tensor([[0.0, -500.0]]), torch.tensor([[-500.0, 0.0]])
    assert score("jsd", p, q).item() == pytest.approx(math.log(2), rel=1e-5)
    # M = (1/2, 1/2), and log cosh(250) = 250 - log 2 at both: half of their sum, over V = 2.
    assert score("paper", p, q).item() == pytest.approx((250 - math.log(2)) / 2, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([0.1, 1.0, 5.0, 20.0]),
    difference=st.sampled_from([1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0]),
    kind=st.sampled_from(["paper", "jsd"]),
)
def test_float32_holds_the_closed_forms(
    seed: int, spread: float, difference: float, kind: Any
) -> None:
    generator = torch.Generator().manual_seed(seed)
    p = torch.randn(2, 3, 500, generator=generator) * spread
    q = p + torch.randn(2, 3, 500, generator=generator) * difference
    got = score(kind, p, q)
    assert got.shape == (2, 3)
    # Rounding a logit moves u by 1e-7 of the logit: no form can do better on nearly equal ones.
    trusted = 1e-4 + 20 * 1e-7 * spread / difference
    for row in range(2):
        for c in range(3):
            expected = divergence(kind, p[row, c], q[row, c])
            assert got[row, c].item() == pytest.approx(expected, rel=trusted)


def test_arguments_are_left_alone_and_float64_stays() -> None:
    p, q = torch.randn(3, 50), torch.randn(3, 50)
    before = p.clone(), q.clone()
    assert score("jsd", p, q).dtype == torch.float32
    assert torch.equal(p, before[0])
    assert torch.equal(q, before[1])
    assert score("jsd", p.double(), q.double()).dtype == torch.float64


def test_fusion_by_hand() -> None:
    f, g = logs(0.6, 0.3, 0.06, 0.04), logs(0.1, 0.2, 0.3, 0.4)
    s = fuse_scores(f, g, LayerFusion())
    # 0.06 is kept, being no less than a tenth of 0.6; 0.04 is not.
    expected = [math.log(0.6 * 0.1), math.log(0.3 * 0.2), math.log(0.06 * 0.3), -math.inf]
    assert s[0].tolist() == pytest.approx(expected, rel=1e-5)
    half = fuse_scores(f, g, LayerFusion(weight=0.5))
    assert half[0, 1].item() == pytest.approx(math.log(0.3) + 0.5 * math.log(0.2), rel=1e-5)


def test_relative_top_at_its_ends() -> None:
    f = logs(0.6, 0.3, 0.1)
    assert keep_plausible(f, f.clone(), 0).isfinite().all()
    assert keep_plausible(f, f.clone(), 1)[0].tolist() == [f[0, 0].item(), -math.inf, -math.inf]


def test_a_gate_weighs_each_row() -> None:
    f = torch.cat([logs(0.6, 0.4)] * 3)
    g = torch.cat([logs(0.2, 0.8)] * 3)
    fusion = LayerFusion(weight=2.0, gate=lambda f, g: torch.tensor([0.0, 0.25, 7.0]))
    s = fuse_scores(f, g, fusion)
    for row, factor in enumerate([0.0, 0.5, 2.0]):  # 7 is clamped to 1
        assert s[row, 1].item() == pytest.approx(math.log(0.4) + factor * math.log(0.8), rel=1e-5)


def test_a_gate_of_the_wrong_shape_is_refused() -> None:
    f = logs(0.5, 0.5)
    with pytest.raises(InputError, match="one factor per row"):
        fuse_scores(f, f, LayerFusion(gate=lambda f, g: f))


def test_ties_go_to_the_lowest_layer() -> None:
    same = torch.randn(1, 1, 40).expand(1, 3, 40)
    assert score("paper", same, same).argmin(-1).item() == 0
