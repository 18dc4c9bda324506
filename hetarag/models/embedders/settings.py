"""How a folder's embedding model is to be used: its pooling, prefixes and window.

Read from `embedder.json`, or from the files of sentence-transformers, and what the settings of the
knowledge base say goes before both. An `embedder.json` looks like

    {"pooling": "cls", "query_prefix": "query: ", "max_tokens": 512, "dimension": 384}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, cast

from hetarag.config import ModelSettings
from hetarag.errors import ModelError
from hetarag.models.hub import manifest

SETTINGS_FILE = "embedder.json"
ONNX_FILES = ("model.onnx", "onnx/model.onnx")
TORCH_FILE = "model.safetensors"

Pooling = Literal["mean", "cls"]


@dataclass(frozen=True, slots=True)
class EmbedderSettings:
    """Vectors are of unit length always; `max_tokens` counts the special tokens too."""

    pooling: Pooling = "mean"
    query_prefix: str = ""
    passage_prefix: str = ""
    max_tokens: int = 512
    dimension: int = 384


def given_settings(models: ModelSettings) -> dict[str, Any]:
    """Return what the settings of the knowledge base say of its embedder, by `EmbedderSettings`' names."""
    names = [f.name for f in fields(EmbedderSettings)]
    values = {name: getattr(models, f"embedder_{name}") for name in names}
    return {name: value for name, value in values.items() if value is not None}


def read_settings(folder: Path, given: Mapping[str, Any] | None = None) -> EmbedderSettings:
    """Return the settings that the files in `folder` state, with those of `given` in their place.

    Raises:
        ModelError: there are none and `given` has no pooling, or they ask for what is not supported.
    """
    values = dict(given or {})
    try:
        if (folder / SETTINGS_FILE).is_file():
            return replace(_own(_json(folder / SETTINGS_FILE), folder / SETTINGS_FILE), **values)
        if (folder / "modules.json").is_file():
            return replace(_sentence_transformers(folder, "pooling" in values), **values)
        if "pooling" in values:
            return EmbedderSettings(**{**_of_model(folder), **values})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder}: the embedder's settings cannot be read: {error}") from error
    raise ModelError(
        f"{folder} does not say how its vectors are made: put a file {SETTINGS_FILE} beside the "
        f'model, as {{"pooling": "mean" or "cls", "query_prefix": "", "passage_prefix": "", '
        f'"max_tokens": 512, "dimension": 384}}, or set models.embedder_pooling and, where they '
        "differ, embedder_query_prefix, embedder_max_tokens and the like"
    )


def onnx_file(folder: Path) -> Path | None:
    """Return the folder's ONNX model, if it has one."""
    return next((folder / name for name in ONNX_FILES if (folder / name).is_file()), None)


def fingerprint(folder: Path, model: Path, settings: EmbedderSettings) -> str:
    """Return a digest of the model, its tokenizer and its settings.

    Digests of an installed model come from its manifest; a folder without one is hashed.
    """
    known = manifest.read(folder)
    digests = []
    for path in (model, folder / "tokenizer.json"):
        name = path.relative_to(folder).as_posix()
        entry = known.files.get(name) if known else None
        digests.append(entry[0] if entry else manifest.sha256_of(path))
    content = json.dumps([digests, asdict(settings)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _own(raw: dict[str, Any], path: Path) -> EmbedderSettings:
    known = [f.name for f in fields(EmbedderSettings)]
    unknown = sorted(set(raw) - set(known))
    if unknown:
        raise ModelError(f"{path}: unknown keys {unknown}; known are {known}")
    if raw.get("pooling", "mean") not in ("mean", "cls"):
        raise ModelError(f"{path}: pooling {raw['pooling']!r} is not known: use 'mean' or 'cls'")
    for key in ("max_tokens", "dimension"):
        if key in raw and not (isinstance(raw[key], int) and raw[key] > 0):
            raise ModelError(f"{path}: {key} must be a positive number, not {raw[key]!r}")
    return EmbedderSettings(**raw)


def _sentence_transformers(folder: Path, pooling_given: bool) -> EmbedderSettings:
    modules = {str(m["type"]).rpartition(".")[2]: folder / m["path"] for m in _list(folder)}
    unsupported = sorted(set(modules) - {"Transformer", "Pooling", "Normalize"})
    if unsupported:
        raise ModelError(f"{folder}: modules {unsupported} are not supported")
    pooling = _json(modules["Pooling"] / "config.json") if "Pooling" in modules else {}
    prompts = _optional(folder / "config_sentence_transformers.json").get("prompts") or {}
    values: dict[str, Any] = _of_model(folder)
    if limit := _optional(folder / "sentence_bert_config.json").get("max_seq_length"):
        values["max_tokens"] = int(limit)
    if dimension := pooling.get("word_embedding_dimension"):
        values["dimension"] = int(dimension)
    return EmbedderSettings(
        pooling="mean" if pooling_given else _pooling(pooling, folder),
        query_prefix=str(prompts.get("query", "")),
        passage_prefix=str(prompts.get("document", prompts.get("passage", ""))),
        **values,
    )


def _of_model(folder: Path) -> dict[str, Any]:
    """Return the window and the dimension that the model's own config.json states, if it is there."""
    config = _optional(folder / "config.json")
    names = {"max_tokens": "max_position_embeddings", "dimension": "hidden_size"}
    return {name: int(config[key]) for name, key in names.items() if config.get(key)}


def _pooling(config: dict[str, Any], folder: Path) -> Pooling:
    """Read both spellings: `pooling_mode` of today and the flags of before."""
    modes = [
        key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
        for key, value in config.items()
        if key.startswith("pooling_mode_") and value is True
    ]
    mode = config.get("pooling_mode") or (modes or ["mean"])
    names = [mode] if isinstance(mode, str) else list(mode)
    if len(names) != 1 or names[0] not in ("mean", "cls"):
        raise ModelError(f"{folder}: pooling {names} is not supported: only 'mean' and 'cls' are")
    return cast(Pooling, names[0])


def _list(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "modules.json").read_text("utf-8")))


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


def _optional(path: Path) -> dict[str, Any]:
    return _json(path) if path.is_file() else {}
