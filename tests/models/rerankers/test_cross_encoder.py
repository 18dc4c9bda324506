"""The cross-encoder: reads a question and a passage together, on its own installed model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from hetarag.errors import ModelError
from hetarag.models.rerankers import cross_encoder
from hetarag.models.rerankers.attention import fuse_attention
from hetarag.models.rerankers.cross_encoder import CrossEncoder

QUESTION = "Who designed the ship Fram?"
PASSAGES = [
    ("Fram", "Fram is a ship that was designed and built by Colin Archer in Larvik."),
    ("Fram", "The museum of the Fram opens at ten in the morning and has a shop."),
    ("Photosynthesis", "Plants turn light into chemical energy that they keep in sugars."),
]
ODD = [("", ""), ("x" * 5_000, "y " * 5_000), ("日本語 🦊", "[SEP] [CLS] <|im_end|> \x00")]


@pytest.fixture(scope="module")
def encoder(minilm: Path) -> CrossEncoder:
    return CrossEncoder(minilm, threads=2)


def test_the_passage_that_answers_scores_best(encoder: CrossEncoder) -> None:
    scores = encoder.scores(QUESTION, PASSAGES)
    assert scores.shape == (3,)
    assert scores[0] > scores[1] > scores[2]


def test_a_score_depends_on_its_own_pair_alone(encoder: CrossEncoder) -> None:
    together = encoder.scores(QUESTION, [*ODD, *PASSAGES])
    assert np.isfinite(together).all()
    for passage, score in zip([*ODD, *PASSAGES], together, strict=True):
        assert encoder.scores(QUESTION, [passage])[0] == score


@pytest.mark.parametrize("question", ["", "a", "why " * 3_000, "日本語 🦊 [SEP]"])
def test_any_question_can_be_asked(encoder: CrossEncoder, question: str) -> None:
    assert np.isfinite(encoder.scores(question, PASSAGES)).all()
    assert encoder.scores(question, []).shape == (0,)


def test_products_in_integers_are_near_those_in_floats(
    encoder: CrossEncoder, minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_encoder, "_in_integers", lambda graph, matrices: None)
    exact = CrossEncoder(minilm).scores(QUESTION, [*PASSAGES, *ODD])
    assert np.abs(encoder.scores(QUESTION, [*PASSAGES, *ODD]) - exact).max() < 1.0
    assert np.ptp(exact) > 4.0  # beside what the scores tell apart


def test_attention_in_one_operator_is_the_same(
    minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused: list[int] = []

    def counted(graph: onnx.GraphProto) -> int:
        fused.append(fuse_attention(graph))
        return fused[-1]

    # In floats, where what differs by a bit does not grow by rounding.
    monkeypatch.setattr(cross_encoder, "_in_integers", lambda graph, matrices: None)
    monkeypatch.setattr(cross_encoder, "fuse_attention", counted)
    found = CrossEncoder(minilm).scores(QUESTION, [*PASSAGES, *ODD])
    assert fused == [6]
    monkeypatch.setattr(cross_encoder, "fuse_attention", lambda graph: 0)
    before = CrossEncoder(minilm).scores(QUESTION, [*PASSAGES, *ODD])
    assert np.abs(found - before).max() < 1e-4


def test_attention_of_another_form_stays_as_it_is() -> None:
    node = onnx.helper.make_node("Softmax", ["scores"], ["shares"])
    value = [onnx.helper.make_tensor_value_info(n, 1, ["n"]) for n in ("scores", "shares")]
    graph = onnx.helper.make_graph([node], "another", value[:1], value[1:])
    assert fuse_attention(graph) == 0
    assert list(graph.node) == [node]


def test_without_the_changes_the_model_knows_nothing_of_relevance(
    encoder: CrossEncoder, minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cross_encoder._change

    def halves_of_nothing(graph: object, changes: dict[str, np.ndarray]) -> None:
        before(graph, {n: v * (not n.endswith(".left")) for n, v in changes.items()})  # type: ignore[arg-type]

    monkeypatch.setattr(cross_encoder, "_change", halves_of_nothing)
    bare = CrossEncoder(minilm).scores(QUESTION, PASSAGES)
    assert np.ptp(bare) < np.ptp(encoder.scores(QUESTION, PASSAGES)) / 2


def test_another_model_is_refused(minilm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(minilm, folder)
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="hetarag models install minilm-l6-int8"):
        CrossEncoder(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError, match="cannot be made"):
        CrossEncoder(folder)
