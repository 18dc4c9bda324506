"""Settings: a TOML file and environment variables become one frozen object.

Every key of the file has an environment variable, `HETARAG_SECTION__KEY`, which wins over the file.
Unknown keys are refused in both, with the known ones listed: a misspelt setting must not pass
silently. Secrets live in URLs here and are taken out of whatever is shown (`redact`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hetarag.errors import ConfigError
from hetarag.retired_settings import without_retired
from hetarag.store_settings import EMBEDDED, StoreSettings

ENV_PREFIX = "HETARAG_"
DEFAULT_COLLECTION = "default"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LedgerSettings(_Section):
    """The system of record."""

    url: str = Field(
        default=EMBEDDED,
        description='"embedded" (SQLite beside the stores) or an SQLAlchemy URL of PostgreSQL, MariaDB or MySQL.',
    )


class ModelSettings(_Section):
    """Which models, and where they are kept.

    The settings that begin with `embedder_` say how an embedder's vectors are made where its own files
    do not, or differently: another one is another embedder and asks for a `reindex`.
    """

    embedder: str = Field(
        default="minilm-l6-int8",
        description="A name that `hetarag models` lists, a local folder, a hub name, or another package's embedder. Another one asks for a `reindex`.",
    )
    reader: str = Field(
        default="qwen2.5-coder-0.5b",
        description="As `embedder`, or the URL of an OpenAI-compatible endpoint with `#model-name` behind it.",
    )
    cache: Path = Field(
        default_factory=lambda: user_cache_path("hetarag") / "models",
        description="The folder that models are kept in.",
    )
    download: bool = Field(
        default=True,
        description="Whether a model that is not here is downloaded when it is first needed; else that is an error.",
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description='The number type of a local reader; "auto" measures which is fastest on this processor.',
    )
    api_key: str | None = Field(
        default=None,
        repr=False,
        description="The key of the endpoint that `reader` names; better given by the environment.",
    )
    embedder_pooling: Literal["mean", "cls"] | None = Field(
        default=None,
        description="What becomes the vector: the mean of all tokens or the first one. Unset: as the embedder's files say.",
    )
    embedder_query_prefix: str | None = Field(
        default=None, description="Put before a question. Unset: as the embedder's files say."
    )
    embedder_passage_prefix: str | None = Field(
        default=None, description="Put before a passage. Unset: as the embedder's files say."
    )
    embedder_max_tokens: int | None = Field(
        default=None,
        ge=2,
        description="Longer texts are cut here. Unset: as the embedder's files say.",
    )
    embedder_dimension: int | None = Field(
        default=None,
        ge=1,
        description="How many numbers a vector has; an error if the model gives another number. Unset: as the embedder's files say.",
    )


class IngestSettings(_Section):
    """How documents become records."""

    chunk_words: int = Field(
        default=150,
        ge=20,
        le=2000,
        description="About how many words a chunk has. Another number asks for a `reindex`.",
    )
    overlap_sentences: int = Field(
        default=1,
        ge=0,
        le=5,
        description="How many sentences a chunk shares with the one before it, within a paragraph. Another number asks for a `reindex`.",
    )
    batch: int = Field(
        default=512,
        ge=1,
        le=10_000,
        description="How many records go to a store at once. Raising it costs memory.",
    )
    embed_rows: int = Field(
        default=2_000,
        ge=0,
        description="Rows of tables with more rows than this are found through SQL only.",
    )
    max_file_mb: int = Field(
        default=512, ge=1, description="Larger files are left out and named in the report."
    )
    entities: Literal["auto", "spacy", "rules", "none"] = Field(
        default="auto",
        description='What finds names in chunks: spaCy with rules, rules alone, or nothing; "auto" is spaCy where it is installed, else rules.',
    )


PLAIN_WEIGHT = 1.5
"""Chosen on the sets that the ranker was trained on and kept for others (docs/research/notes/retrieval.md)."""

SOURCE_WEIGHT = 1.0
"""Chosen with the ranker trained on either half of its sets (docs/research/notes/retrieval.md)."""


READ_BELOW = 0.83
"""A higher one has more questions read and finds more; with this one fewer than half of those of the hardest
titled set are read (docs/research/notes/retrieval.md)."""


class SearchSettings(_Section):
    """How the plane searches."""

    k: int = Field(
        default=10, ge=1, le=1000, description="How many pieces of evidence a search returns."
    )
    router: Literal["rules", "all"] = Field(
        default="rules",
        description='"rules" weighs the stores by what the question has in it; "all" asks every store with equal weight.',
    )
    fusion: str = Field(
        default="rrf",
        description='How the stores\' lists become one: "rrf", "convex", "z-score", "distribution", or another package\'s.',
    )
    rerank: Literal["links", "none"] = Field(
        default="links",
        description='"links" follows names from the best hits and ranks anew; "none" takes about a quarter of the time and finds less.',
    )
    plain_weight: float = Field(
        default=PLAIN_WEIGHT,
        ge=0,
        le=20,
        description="How much the plain fusion of the lists counts beside the link ranker. `hetarag tune` finds it for your questions.",
    )
    source_weight: float = Field(
        default=SOURCE_WEIGHT,
        ge=0,
        le=20,
        description="How much a passage gains from the passages that it leads to. `hetarag tune` finds it for your questions.",
    )
    hops: bool = Field(
        default=True,
        description='Whether the graph is walked a second time, from the best hits of the other stores, where `rerank` is "none": the link ranker follows names from passage to passage itself.',
    )
    cross_encoder: str = Field(
        default="auto",
        description='"auto" reads doubtful candidates beside the embedder `minilm-l6-int8`, "always" beside any embedder, "none" never; or the name of another package\'s model.',
    )
    cross_encode_below: float = Field(
        default=READ_BELOW,
        ge=0,
        le=1,
        description="Run the cross-encoder when the second-best candidate's probability is below this. Raising it costs time and adds recall; at 0.83 fewer than half of MuSiQue's questions are read.",
    )
    rrf_k: int = Field(
        default=20,
        ge=1,
        description="The constant of reciprocal rank fusion. It is below the customary 60 because the graph's lists are right in their first places or not at all.",
    )
    deadline: float = Field(
        default=10.0, gt=0, description="Seconds for one search, handed on to every engine."
    )
    concurrency: int = Field(
        default=8,
        ge=1,
        description="How many searches run at once; the others wait outside their deadline.",
    )
    max_question: int = Field(
        default=20_000,
        ge=100,
        description="The longest question in characters; a longer one is an error.",
    )

    def changed(self, changes: SearchSettings | Mapping[str, Any]) -> SearchSettings:
        """Return these settings with some changed: of `SearchSettings`, those that were given to it.

        Raises:
            ConfigError: a name is unknown or a value outside its range.
        """
        if isinstance(changes, SearchSettings):
            changes = {name: getattr(changes, name) for name in changes.model_fields_set}
        known = without_retired(changes, "search", "settings")
        if not known:
            return self
        try:
            return SearchSettings.model_validate({**self.model_dump(), **known})
        except ValidationError as error:
            raise ConfigError("; ".join(_explain("search", e) for e in error.errors())) from None


class ReaderSettings(_Section):
    """How answers are read from the evidence."""

    decoder: str = Field(
        default="auto",
        description='The decoding method by name, with settings in brackets; "auto" is the reader\'s own default.',
    )
    evidence_k: int = Field(
        default=5, ge=1, le=50, description="How many pieces of evidence the reader is shown."
    )
    max_new_tokens: int = Field(
        default=96, ge=1, le=4096, description="The longest answer in tokens."
    )


class Settings(_Section):
    """All settings of a knowledge base."""

    ledger: LedgerSettings = LedgerSettings()
    stores: StoreSettings = StoreSettings()
    models: ModelSettings = Field(default_factory=ModelSettings)
    ingest: IngestSettings = IngestSettings()
    search: SearchSettings = SearchSettings()
    reader: ReaderSettings = ReaderSettings()


def load_settings(
    path: Path | str | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read settings from a TOML file (or none) and the environment.

    Raises:
        ConfigError: the file is not there or not TOML, or a key or value is not known.
    """
    values = _read_file(Path(path)) if path is not None else {}
    for (section, key), value in _from_environment(
        os.environ if environment is None else environment
    ).items():
        *tables, last = key.split("__")
        inner = values.setdefault(section, {})
        for table in tables:  # HETARAG_STORES__PAPERS__URL
            inner = inner.setdefault(table, {})
        inner[last] = value
    return validate_settings(values, str(path) if path is not None else "the environment")


def validate_settings(values: Mapping[str, Any], source: str) -> Settings:
    """Turn nested dictionaries into settings; `source` is named in errors."""
    known = {
        section: without_retired(inner, section, source) if isinstance(inner, Mapping) else inner
        for section, inner in values.items()
    }
    try:
        return Settings.model_validate(known)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(source, e) for e in error.errors())) from None


def redact(text: str) -> str:
    """Return `text` with the passwords and API keys of the URLs in it replaced by stars."""
    text = re.sub(r"(://[^\s:/@]*):[^\s@/]+@", r"\1:***@", text)
    return re.sub(r"([?&](?:api_key|password)=)[^\s&'\"]+", r"\1***", text)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the settings: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Pick HETARAG_SECTION__KEY; names without a double underscore are not settings."""
    found = {}
    for name, value in environment.items():
        section, separator, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
        if name.startswith(ENV_PREFIX) and separator:
            found[section, key] = value
    return found


def _explain(source: str, error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["loc"][:1] == ("stores",) and error["type"] in ("model_type", "model_attributes_type"):
        return (
            f"{source}: unknown setting {where!r}; known here: {', '.join(StoreSettings.model_fields)}; "
            f'a further store is a table: [{where}] with kind = "…" and url = "…"'
        )
    if error["type"] == "extra_forbidden":
        model: type[BaseModel] = Settings
        for part in error["loc"][:-1]:
            model = model.model_fields[part].annotation  # type: ignore[assignment]
        return f"{source}: unknown setting {where!r}; known here: {', '.join(model.model_fields)}"
    return f"{source}: setting {where!r}: {error['msg']}"


SETTINGS_FILE = "hetarag.toml"


def settings_of(config: str | Path | Mapping[str, Any] | Settings | None, folder: Path) -> Settings:
    """Return the settings that `config` stands for, or those beside the knowledge base."""
    if isinstance(config, Settings):
        return config
    if isinstance(config, Mapping):
        return validate_settings(config, "config")
    if config is None and (folder / SETTINGS_FILE).is_file():
        return load_settings(folder / SETTINGS_FILE)
    return load_settings(config)


def is_embedded(settings: Settings) -> bool:
    """Tell whether any part lives in the folder, which then belongs to one process."""
    stores = settings.stores.named().values()
    return EMBEDDED in (settings.ledger.url, *(store.url for store in stores))
