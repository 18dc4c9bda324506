"""Embedders: a text's vector depends on that text alone, and folders say how they are used."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from hetarag.config import ModelSettings
from hetarag.errors import ModelError
from hetarag.models.embedders.factory import make_embedder, open_embedder
from hetarag.models.embedders.onnx import OnnxEmbedder, _scales_by_batch
from hetarag.models.embedders.settings import (
    EmbedderSettings,
    fingerprint,
    given_settings,
    read_settings,
)
from hetarag.models.embedders.torch import TorchEmbedder
from tests.models.conftest import save_bert, write_json

TEXTS = [
    "Oslo is the capital of Norway.",
    "",
    "a",
    "Bergen is a city on the west coast. " * 30,
    "日本語 🦊 <|im_end|> [SEP] \x00",
]


@pytest.fixture(scope="module")
def onnx(minilm: Path) -> OnnxEmbedder:
    return OnnxEmbedder(minilm, threads=2)


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return save_bert(tmp_path / "bert")


@pytest.mark.model
def test_a_vector_depends_on_its_text_alone(onnx: OnnxEmbedder) -> None:
    together = onnx.embed_passages(TEXTS)
    assert together.shape == (5, 384)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together, onnx.embed_passages(TEXTS[::-1])[::-1])
    for text, row in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(onnx.embed_passages([text])[0], row)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


@pytest.mark.model
def test_threads_change_nothing(onnx: OnnxEmbedder, minilm: Path) -> None:
    np.testing.assert_array_equal(
        onnx.embed_passages(TEXTS), OnnxEmbedder(minilm, threads=1).embed_passages(TEXTS)
    )


@pytest.mark.model
def test_short_questions_run_together_and_have_the_vectors_they_have_alone(
    onnx: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["Oslo", "the mayor of Oslo", "a", "", *TEXTS, "the mayors of Bergen"]
    runs: list[int] = []
    embed = onnx._rows._run
    monkeypatch.setattr(onnx._rows, "_run", lambda group: runs.append(len(group)) or embed(group))
    together = onnx.embed_queries(texts)
    assert sum(runs) == len(texts)
    assert max(runs) > 2
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_allclose(onnx.embed_query(text), row, atol=1e-6)
    runs.clear()
    onnx.embed_passages(texts)
    assert runs == [1] * len(texts)


def test_a_model_that_scales_by_its_batch_is_known(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"\x08\x07 MatMul \x12 DequantizeLinear")
    assert not _scales_by_batch(model)
    model.write_bytes(b"\x08\x07 MatMul \x12 DynamicQuantizeLinear \x00")
    assert _scales_by_batch(model)


@pytest.mark.model
def test_near_texts_have_near_vectors(onnx: OnnxEmbedder) -> None:
    query = onnx.embed_query("What is Norway's capital?")
    near, far = onnx.embed_passages([TEXTS[0], "The mitochondrion makes ATP."])
    assert query.shape == (384,)
    assert query @ near > 0.7 > 0.2 > query @ far


@pytest.mark.model
def test_no_texts_give_no_rows(onnx: OnnxEmbedder) -> None:
    assert onnx.embed_passages([]).shape == (0, 384)


@pytest.mark.model
def test_the_default_embedder_is_this_one(onnx: OnnxEmbedder) -> None:
    made = make_embedder(ModelSettings())
    assert isinstance(made, OnnxEmbedder)
    assert made.fingerprint == onnx.fingerprint
    assert made.dimension == 384


@pytest.mark.model
def test_other_settings_are_another_embedder(minilm: Path) -> None:
    plain = read_settings(minilm)
    first = replace(plain, pooling="cls")
    prefixed = replace(plain, query_prefix="query: ")
    made = [OnnxEmbedder(minilm, s, threads=1) for s in (plain, first, prefixed)]
    assert len({m.fingerprint for m in made}) == 3
    vectors = [m.embed_query("Oslo") for m in made]
    assert not np.allclose(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[2], made[0].embed_query("query: Oslo"))
    np.testing.assert_array_equal(made[2].embed_passages(["x"]), made[0].embed_passages(["x"]))


@pytest.mark.model
def test_a_copy_elsewhere_has_the_same_fingerprint(minilm: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(minilm, copy)
    (copy / "manifest.json").unlink()  # now it is hashed
    settings = read_settings(minilm)
    assert fingerprint(copy, copy / "model.onnx", settings) == fingerprint(
        minilm, minilm / "model.onnx", settings
    )


@pytest.mark.model
def test_wrong_dimensions_are_found_at_once(minilm: Path) -> None:
    with pytest.raises(ModelError, match="gives 384 dimensions and its settings say 7"):
        OnnxEmbedder(minilm, EmbedderSettings(dimension=7))


def test_safetensors_run_through_torch(bert: Path) -> None:
    made = open_embedder(bert)
    assert isinstance(made, TorchEmbedder)
    assert made.dimension == 16
    rows = made.embed_passages(["oslo", "", "oslo city " * 20])
    assert rows.shape == (3, 16)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(made.embed_query("oslo"), made.embed_passages(["city oslo"])[0])


def test_mean_pooling_is_the_mean_of_the_tokens(bert: Path) -> None:
    model = BertModel.from_pretrained(bert).eval()
    with torch.inference_mode():
        hidden = model(input_ids=torch.tensor([[2, 4, 3]])).last_hidden_state[0].numpy()
    by_mean, by_first = hidden.mean(axis=0), hidden[0]
    settings = replace(read_settings(bert), pooling="cls")
    np.testing.assert_allclose(
        TorchEmbedder(bert).embed_passages(["oslo"])[0], by_mean / np.linalg.norm(by_mean), atol=1e-6
    )  # fmt: skip
    np.testing.assert_allclose(
        TorchEmbedder(bert, settings).embed_passages(["oslo"])[0],
        by_first / np.linalg.norm(by_first),
        atol=1e-6,
    )


def test_settings_of_sentence_transformers(bert: Path) -> None:
    assert read_settings(bert) == EmbedderSettings("mean", "city ", "", 12, 16)
    write_json(bert / "sentence_bert_config.json", {"max_seq_length": 8})
    write_json(bert / "1_Pooling" / "config.json", {"word_embedding_dimension": 16, "pooling_mode": "cls"})  # fmt: skip
    assert read_settings(bert) == EmbedderSettings("cls", "city ", "", 8, 16)
    write_json(bert / "1_Pooling" / "config.json", {"pooling_mode_max_tokens": True})
    with pytest.raises(ModelError, match=r"pooling \['max'\] is not supported"):
        read_settings(bert)
    write_json(bert / "modules.json", [{"path": "2", "type": "sentence_transformers.models.Dense"}])
    with pytest.raises(ModelError, match=r"modules \['Dense'\] are not supported"):
        read_settings(bert)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"pooling": "max"}', "pooling 'max' is not known"),
        ('{"poling": "cls"}', r"unknown keys \['poling'\]"),
        ('{"max_tokens": 0}', "max_tokens must be a positive number"),
        ('{"dimension": "9"}', "dimension must be a positive number"),
        ("[1]", "cannot be read"),
        ("{", "cannot be read"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "embedder.json").write_text(content)
    with pytest.raises(ModelError, match=says):
        read_settings(tmp_path)


def test_a_folder_without_settings_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"put a file embedder.json"):
        read_settings(tmp_path)


def test_the_settings_of_the_knowledge_base_go_first(bert: Path) -> None:
    models = ModelSettings(
        embedder=str(bert), embedder_pooling="cls", embedder_query_prefix="oslo ", embedder_max_tokens=6
    )  # fmt: skip
    given = given_settings(models)
    assert given == {"pooling": "cls", "query_prefix": "oslo ", "max_tokens": 6}
    assert read_settings(bert, given) == EmbedderSettings("cls", "oslo ", "", 6, 16)
    made, plain = make_embedder(models), make_embedder(ModelSettings(embedder=str(bert)))
    assert made.fingerprint != plain.fingerprint
    np.testing.assert_array_equal(made.embed_query("city"), made.embed_passages(["oslo city"])[0])


def test_settings_are_enough_for_a_folder_that_says_nothing(bert: Path) -> None:
    (bert / "modules.json").unlink()
    with pytest.raises(ModelError, match=r"or set models\.embedder_pooling"):
        open_embedder(bert)
    assert read_settings(bert, {"pooling": "cls"}) == EmbedderSettings("cls", "", "", 12, 16)
    assert open_embedder(bert, {"pooling": "cls"}).dimension == 16
    with pytest.raises(ModelError, match=r"gives 16 dimensions .* set models\.embedder_dimension"):
        open_embedder(bert, {"pooling": "cls", "dimension": 17})


def test_a_pooling_that_is_given_takes_the_place_of_one_that_is_not_supported(bert: Path) -> None:
    write_json(bert / "1_Pooling" / "config.json", {"pooling_mode_max_tokens": True})
    assert read_settings(bert, {"pooling": "mean"}).pooling == "mean"


def test_a_window_that_is_too_long_is_named(bert: Path) -> None:
    made = open_embedder(bert, {"max_tokens": 100})
    with pytest.raises(ModelError, match=r"text of 62 tokens .* set models\.embedder_max_tokens"):
        made.embed_passages(["oslo city " * 30])


def test_a_folder_without_a_model_is_named(bert: Path) -> None:
    (bert / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no model.safetensors"):
        open_embedder(bert)
    with pytest.raises(ModelError, match=r"has no model.onnx"):
        OnnxEmbedder(bert)


def test_a_file_that_is_no_model_is_named(bert: Path) -> None:
    (bert / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="onnxruntime cannot open it"):
        open_embedder(bert)
    (bert / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="the tokenizer cannot be read"):
        open_embedder(bert)


def test_a_reader_is_no_embedder() -> None:
    with pytest.raises(ModelError, match="is a reader, not an embedder"):
        make_embedder(ModelSettings(embedder="smollm2-135m"))
