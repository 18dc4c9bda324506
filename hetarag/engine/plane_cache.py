"""The retrieval planes of one knowledge base: one for each form of the search's settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from hetarag.config import SearchSettings, Settings
from hetarag.errors import ConfigError
from hetarag.ledger.reading.hydration import Hydration
from hetarag.ledger.reading.passage_links import MentionLinks
from hetarag.ledger.reading.table_catalogue import Catalogue
from hetarag.ledger.session import Ledger
from hetarag.models.hub.catalog import MINILM_INT8
from hetarag.models.rerankers.factory import DEFAULT, RERANKERS, make_reranker
from hetarag.protocols import Embedder, PassageScorer
from hetarag.retrievers.fan_out import FanOut
from hetarag.retrievers.fusion import fuser
from hetarag.retrievers.plane import RetrievalPlane
from hetarag.retrievers.reranking.link_ranker import LinkRanker
from hetarag.retrievers.reranking.profiles import TreesByKind
from hetarag.retrievers.reranking.stage import RerankConfig
from hetarag.retrievers.router import ROUTERS

if TYPE_CHECKING:
    from hetarag.engine.store_set import StoreSet


def check_names(search: SearchSettings) -> None:
    """Raise `ConfigError` for a fusion or cross-encoder that nobody has."""
    fuser(search.fusion, search.rrf_k)
    if search.cross_encoder not in (*_SWITCHES, "none", *RERANKERS.names()):
        known = ", ".join([*_SWITCHES, "none", *RERANKERS.names()])
        raise ConfigError(
            f"search.cross_encoder: no cross-encoder {search.cross_encoder!r}; known: {known}"
        )


_SWITCHES = ("auto", "always")  # of hetarag's own cross-encoder


class PlaneCache:
    """Makes each plane once, and what they share: models are loaded when one first needs them.

    `embedder` returns the one in use, `given` says that it is the caller's own; `trees` take the place of the
    package's in the link ranker.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        catalogue: Catalogue,
        stores: StoreSet,
        fan_out: FanOut,
        *,
        embedder: Callable[[], Embedder],
        given: bool,
        trees: TreesByKind | None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._catalogue = catalogue
        self._stores = stores
        self._fan_out = fan_out
        self._embedder = embedder
        self._trees = trees
        self._default_embedder = not given and settings.models.embedder == MINILM_INT8
        self._planes: dict[SearchSettings, RetrievalPlane] = {}
        self._loading = Lock()
        self._lock = Lock()  # its own: searches go on while an ingest holds the knowledge base's

    def plane(self, search: SearchSettings) -> RetrievalPlane:
        """Return the plane for these settings of [search]; raises as `check_names` does."""
        with self._lock:
            if search not in self._planes:
                check_names(search)
                self._planes[search] = self._make(search)
            return self._planes[search]

    def warm_up(self) -> None:
        """Load what the plane with the settings as they are may need beside the embedder."""
        search = self._settings.search
        self.plane(search)  # reads its trees
        if search.rerank == "links" and self._cross_encodes(search):
            self._loaded()

    def _loaded(self) -> PassageScorer:
        with self._loading:  # two searches at once would load it twice
            return self.cross_encoder

    @cached_property
    def cross_encoder(self) -> PassageScorer:
        """What reads question and passage together; few questions need it."""
        name = self._settings.search.cross_encoder
        own = name in (*_SWITCHES, "none")
        return make_reranker(DEFAULT if own else name, self._settings.models)

    def _make(self, search: SearchSettings) -> RetrievalPlane:
        return RetrievalPlane(
            self._stores.openers,
            Hydration(self._ledger, self._catalogue, self._stores.tables),
            self._fan_out,
            kinds=self._stores.kinds,
            rerank=self._rerank(search) if search.rerank == "links" else None,
            router=ROUTERS[search.router],
            fuse=fuser(search.fusion, search.rrf_k),
            hops=search.hops,
        )

    def _rerank(self, search: SearchSettings) -> RerankConfig:
        ranker = LinkRanker(
            MentionLinks(self._ledger),
            self._stores.vectors,
            lambda texts: self._embedder().embed_queries(texts),
            search.plain_weight,
            self._trees,
        )
        return RerankConfig(
            ranker,
            cross_encoder=self._loaded if self._cross_encodes(search) else None,
            cross_encode_below=search.cross_encode_below,
            source_weight=search.source_weight,
        )

    def _cross_encodes(self, search: SearchSettings) -> bool:
        return (
            self._default_embedder
            if search.cross_encoder == "auto"
            else search.cross_encoder != "none"
        )
