"""A tiny GGUF file, written here, becomes a folder that loads as the same model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from hetarag.errors import ModelError
from hetarag.models.hub.convert import convert
from hetarag.models.readers.local import LocalReader
from tests.models.conftest import CHAT_TEMPLATE, make_tokenizer

WIDTH, INNER, BLOCKS = 32, 64, 2


def write_gguf(path: Path) -> dict[str, np.ndarray]:
    """Write a Qwen2 whose output matrix is not quite its input matrix, as in some GGUF files."""
    tokenizer = make_tokenizer(template=False)
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = sorted(state["model"]["vocab"], key=state["model"]["vocab"].__getitem__)
    special = {token["content"] for token in state["added_tokens"]}
    merges = [m if isinstance(m, str) else " ".join(m) for m in state["model"]["merges"]]
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if token in special else 1 for token in vocabulary])
    writer.add_token_merges(merges)
    writer.add_eos_token_id(vocabulary.index("<|im_end|>"))
    writer.add_pad_token_id(vocabulary.index("<|pad|>"))
    writer.add_chat_template(CHAT_TEMPLATE)
    random = np.random.default_rng(0)
    tensors: dict[str, np.ndarray] = {}

    def add(name: str, *shape: int) -> None:
        tensors[name] = random.normal(0, 0.2, shape).astype(np.float32)
        writer.add_tensor(name, tensors[name])

    for name in ("token_embd", "output"):
        add(f"{name}.weight", len(vocabulary), WIDTH)
    add("output_norm.weight", WIDTH)
    for block in range(BLOCKS):
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH), ("attn_k", WIDTH // 2, WIDTH), ("attn_v", WIDTH // 2, WIDTH),
            ("attn_output", WIDTH, WIDTH), ("ffn_gate", INNER, WIDTH), ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ):  # fmt: skip
            add(f"blk.{block}.{name}.weight", rows, columns)
        for name, rows in (("attn_q", WIDTH), ("attn_k", WIDTH // 2), ("attn_v", WIDTH // 2)):
            add(f"blk.{block}.{name}.bias", rows)
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{block}.{name}.weight", WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


@pytest.fixture
def source(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    path = tmp_path / "source" / "model.gguf"
    path.parent.mkdir()
    return path, write_gguf(path)


def test_a_gguf_file_becomes_a_folder(
    source: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    path, tensors = source
    folder = tmp_path / "tiny"
    convert(path, folder, tied=True)
    stored = load_file(folder / "model.safetensors")
    assert "lm_head.weight" not in stored  # one matrix, the output's
    shared = stored["model.embed_tokens.weight"]
    assert shared.dtype == torch.bfloat16
    np.testing.assert_allclose(shared.float(), tensors["output.weight"], rtol=2**-8)
    np.testing.assert_allclose(
        stored["model.layers.1.mlp.down_proj.weight"].float(),
        tensors["blk.1.ffn_down.weight"],
        rtol=2**-8,
    )
    config = json.loads((folder / "config.json").read_text())
    assert config["tie_word_embeddings"] is True
    assert "quantization_config" not in config
    assert "name_or_path" not in json.dumps(config)
    assert AutoTokenizer.from_pretrained(folder).chat_template == CHAT_TEMPLATE
    reader = LocalReader(folder, "float32")
    *_, trace = reader.read([{"role": "user", "content": "Oslo?"}], decoder="greedy", max_new_tokens=3)  # fmt: skip
    assert trace.prompt_tokens > 3  # type: ignore[union-attr]


def test_untied_weights_stay_untied(
    source: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    path, tensors = source
    convert(path, tmp_path / "tiny", tied=False)
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny", dtype=torch.float32)
    np.testing.assert_allclose(
        model.get_input_embeddings().weight.detach(), tensors["token_embd.weight"], rtol=2**-8
    )
    np.testing.assert_allclose(
        model.lm_head.weight.detach(), tensors["output.weight"], rtol=2**-8
    )  # fmt: skip


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + b"\x00" * 40)
    with pytest.raises(ModelError, match=r"bad.gguf cannot be converted"):
        convert(tmp_path / "bad.gguf", tmp_path / "out", tied=True)
