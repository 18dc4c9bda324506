"""Methods by name, with settings in brackets."""

from __future__ import annotations

import pytest
import torch

from hetarag.decoding.confidence_gate import Unsure
from hetarag.decoding.lfd import fuse_scores
from hetarag.decoding.registry import (
    DECODERS,
    DEFAULT,
    PAPER,
    contrasts_contexts,
    method_named,
    split_names,
)
from hetarag.decoding.settings import CAD, DoLa, LayerFusion
from hetarag.errors import InputError


def test_names_stand_for_settings() -> None:
    assert method_named("lfd") == DEFAULT
    assert method_named("lfd-paper") == PAPER
    assert DECODERS.names()[0] == "lfd"
    assert method_named("lfd-paper[weight=0.5, score=jsd,normed=true]") == LayerFusion(
        weight=0.5, score="jsd", fuse_normed=True
    )
    assert method_named("lfd-normed[layers=20:22]").layers(24) == (20, 21, 22)  # type: ignore[union-attr]
    assert method_named("lfd-normed[layers=12+23]").layers(24) == (12, 23)  # type: ignore[union-attr]
    assert method_named("lfd-normed[gate=0.4]") == LayerFusion(fuse_normed=True, gate=Unsure(0.4))
    assert method_named("lfd[gate=none]").gate is None  # type: ignore[union-attr]
    assert method_named("dola[layers=low]") == DoLa("low")
    assert method_named("cad[alpha=0.5]") == CAD(0.5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("beam", "no decoding method"),
        ("lfd[", "no decoding method"),
        ("lfd[heat=1]", "no setting 'heat=1'"),
        ("lfd[weight]", "no setting 'weight'"),
        ("lfd[weight=much]", "cannot be 'much'"),
        ("lfd[weight=-1]", "weight"),
        ("lfd[layers=3:x]", "cannot be"),
        ("lfd[layers=upper]", "candidates"),
        ("lfd[normed=maybe]", "cannot be 'maybe'"),
        ("lfd[gate=2]", "must lie in"),
        ("lfd[gate=open]", "cannot be 'open'"),
        ("greedy[weight=1]", "names: none"),
    ],
)
def test_what_cannot_be_is_said(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        method_named(name)


def test_commas_in_brackets_do_not_split() -> None:
    assert split_names("greedy, lfd[weight=1,score=jsd],dola") == [
        "greedy", "lfd[weight=1,score=jsd]", "dola",
    ]  # fmt: skip
    assert contrasts_contexts("cad[alpha=2]") and not contrasts_contexts("lfd")


def test_a_gate_fuses_where_the_model_is_unsure() -> None:
    sure, unsure = [0.6, 0.3, 0.1], [0.45, 0.44, 0.11]
    f = torch.tensor([sure, unsure]).log()
    g = torch.tensor([[0.1, 0.8, 0.1]] * 2).log()
    assert Unsure(0.5)(f, g).tolist() == [False, True]
    fused = fuse_scores(f, g, LayerFusion(gate=Unsure(0.5)))
    assert fused.argmax(-1).tolist() == [0, 1]
    assert torch.equal(fused[0, :2], f[0, :2])
