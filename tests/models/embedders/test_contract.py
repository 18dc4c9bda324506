"""The contract of embedders, on every entry of the table and on the double that other tests use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hetarag.config import ModelSettings
from hetarag.models import make_embedder
from hetarag.models.embedders.factory import EMBEDDERS
from hetarag.models.embedders.onnx import OnnxEmbedder
from hetarag.protocols import Embedder
from hetarag.testing.doubles import HashingEmbedder
from hetarag.testing.model_contracts import EmbedderContract
from tests.models.conftest import save_bert

PLACES: dict[str, Callable[[pytest.FixtureRequest, Path], Path]] = {
    "onnx": lambda request, _: request.getfixturevalue("minilm"),
    "torch": lambda _, folder: save_bert(folder),
}
"""Where there is a model for each entry of the table."""
MODELS = {"onnx": pytest.mark.model}
OWN = [name for name in EMBEDDERS.names() if name not in EMBEDDERS.declared()]


class TestEveryEmbedder(EmbedderContract):
    @pytest.fixture(
        scope="class", params=[pytest.param(name, marks=MODELS.get(name, ())) for name in OWN]
    )
    @classmethod
    def open_embedder(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Callable[[], Embedder]:
        place = PLACES[request.param](request, tmp_path_factory.mktemp("embedder") / "model")
        settings = ModelSettings(embedder=f"{request.param}:{place}", download=False)
        return partial(make_embedder, settings)

    def test_a_question_is_near_the_passage_that_says_it(self, embedder: Embedder) -> None:
        if not isinstance(embedder, OnnxEmbedder):
            pytest.skip("the weights of the torch model are random")
        super().test_a_question_is_near_the_passage_that_says_it(embedder)


class TestHashingEmbedder(EmbedderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_embedder(cls) -> Callable[[], Embedder]:
        return HashingEmbedder


def test_no_embedder_is_left_out() -> None:
    assert set(OWN) == set(PLACES)
