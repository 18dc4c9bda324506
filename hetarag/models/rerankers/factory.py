"""Models that read a question and a passage together, by the name that `search.cross_encoder` gives them.

A name is hetarag's own or an entry point in the group `hetarag.rerankers` of any other package; what stands in
the table is a function of the settings, `(settings: ModelSettings) -> PassageScorer`.
"""

from __future__ import annotations

from typing import cast

from hetarag.config import ModelSettings
from hetarag.models.hub.catalog import MINILM_INT8
from hetarag.models.hub.install import resolve
from hetarag.plugins import PartTable
from hetarag.protocols import PassageScorer

DEFAULT = "minilm"
RERANKERS = PartTable("rerankers", {DEFAULT: f"{__name__}:open_minilm"}, "cross-encoder")


def make_reranker(name: str, settings: ModelSettings) -> PassageScorer:
    """Return the model of this name, installing it if that is allowed.

    Raises:
        ConfigError: there is none of this name, or its package cannot be loaded.
        ModelError: its weights are not here and cannot be had.
    """
    return cast(PassageScorer, RERANKERS.load(name)(settings))


def open_minilm(settings: ModelSettings) -> PassageScorer:
    """Return hetarag's own cross-encoder, whose weights are the default embedder's with changes."""
    from hetarag.models.rerankers.cross_encoder import CrossEncoder

    return CrossEncoder(resolve(MINILM_INT8, settings.cache, download=settings.download))
