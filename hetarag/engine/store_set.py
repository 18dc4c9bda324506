"""The stores of one knowledge base: opened when first needed, closed together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import cast

from hetarag.config import Settings
from hetarag.ids import digest_of
from hetarag.protocols import Embedder, Store, TableCatalogue, TableStore, VectorStore
from hetarag.stores.registry import StoreOptions, open_store
from hetarag.types import ACCEPTS, STORE_KINDS, StoreKind
from hetarag.types.common import Shelves

NONE = "none"


class Shelf:
    """Opens stores by kind. A store that cannot be opened raises `StoreError` at every use.

    `identity` is the ledger's id: what is made on servers carries it in its name.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        catalogue: TableCatalogue,
        embedder: Callable[[], Embedder],
        identity: str,
    ) -> None:
        self._addresses = {
            kind: address
            for kind in STORE_KINDS
            if (address := getattr(settings.stores, kind)) != NONE
        }
        self._folder = folder
        self._catalogue = catalogue
        self._embedder = embedder
        self._identity = identity
        self._open: dict[str, Store] = {}
        self._locks = {kind: Lock() for kind in self._addresses}

    @property
    def openers(self) -> dict[str, Callable[[], Store]]:
        """A function per kind that returns its store, opening it if need be."""
        return {kind: partial(self.get, kind) for kind in self._addresses}

    @property
    def shelves(self) -> Shelves:
        """The kinds of evidence that each store takes."""
        return {kind: ACCEPTS[kind] for kind in self._addresses}

    def get(self, kind: StoreKind) -> Store:
        """Return the store of this kind."""
        with self._locks[kind]:
            if kind not in self._open:
                self._open[kind] = self._open_store(kind)
            return self._open[kind]

    def tables(self) -> TableStore | None:
        """Return the SQL store, or None when the settings leave it out."""
        if "sql" not in self._addresses:
            return None
        return cast(TableStore, self.get("sql"))

    def vectors(self) -> VectorStore:
        """Return the vector store."""
        return cast(VectorStore, self.get("vector"))

    def close(self) -> None:
        """Close every store that is open."""
        while self._open:
            self._open.popitem()[1].close()

    def _open_store(self, kind: StoreKind) -> Store:
        folder = self._folder / kind
        # Knowledge bases that share a server never share a name: each goes by its ledger's.
        prefix = f"hetarag-{self._identity[:8]}"
        options = StoreOptions(catalogue=self._catalogue, prefix=prefix)
        if kind == "vector":
            # Vectors of different embedders never meet: each has a folder and a name of its own.
            embedder = self._embedder()
            own = digest_of(embedder.fingerprint)[:12]
            folder = folder / own
            options = replace(options, dimension=embedder.dimension, prefix=f"{prefix}-{own}")
        folder.mkdir(parents=True, exist_ok=True)
        return open_store(kind, self._addresses[kind], folder, options)
