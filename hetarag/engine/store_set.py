"""The stores of one knowledge base: opened when first needed, closed together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import cast

from hetarag.config import Settings
from hetarag.errors import HetaRAGError
from hetarag.ids import digest_of
from hetarag.protocols import Embedder, Store, TableCatalogue, TableStore, VectorStore
from hetarag.stores.registry import StoreOptions, open_store, store_class
from hetarag.types import StoreKind
from hetarag.types.common import AcceptedKinds, first_of_kind


class StoreSet:
    """Opens stores by name. A store that cannot be opened raises `StoreError` at every use.

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
        self._configs = settings.stores.named()
        self._folder = folder
        self._catalogue = catalogue
        self._embedder = embedder
        self._identity = identity
        self._open: dict[str, Store] = {}
        self._locks = {name: Lock() for name in self._configs}

    @property
    def kinds(self) -> Mapping[str, StoreKind]:
        """The kind of each store, by name and in the order of the settings."""
        return {name: config.kind for name, config in self._configs.items()}

    @property
    def openers(self) -> dict[str, Callable[[], Store]]:
        """A function per name that returns its store, opening it if need be."""
        return {name: partial(self.get, name) for name in self._configs}

    def accepts(self) -> AcceptedKinds:
        """Return the kinds of evidence that each store takes; loads drivers, and opens nothing."""
        return {name: self._class_of(name).accepts for name in self._configs}

    def of_kind(self, kind: StoreKind) -> tuple[str, ...]:
        """Return the names of the stores of a kind."""
        return tuple(name for name, own in self.kinds.items() if own == kind)

    def first_of(self, kind: StoreKind) -> str | None:
        """Return the store that stands for its kind where one is needed; None where there is none."""
        return first_of_kind(self.kinds, kind)

    def taking_vectors(self) -> tuple[str, ...]:
        """Return the names of the stores that are given vectors."""
        return tuple(name for name in self._configs if "vector" in self._class_of(name).takes)

    def searched_by_vector(self, names: Collection[str] | None = None) -> tuple[str, ...]:
        """Return those of the named stores (None: of all) that the question's vector is for.

        One whose class cannot be loaded is left out: asking it tells why.
        """
        found = []
        for name in self._configs if names is None else names:
            with suppress(HetaRAGError):
                if "vector" in self._class_of(name).takes:
                    found.append(name)
        return tuple(found)

    def delivery_order(self) -> tuple[str, ...]:
        """Return all names: where rows of tables are read back from first, what waits for vectors last."""
        rows_in = self.first_of("sql")

        def place(name: str) -> tuple[bool, bool]:
            return name != rows_in, "vector" in self._class_of(name).takes

        return tuple(sorted(self._configs, key=place))

    def get(self, name: str) -> Store:
        """Return the store of this name."""
        with self._locks[name]:
            if name not in self._open:
                self._open[name] = self._open_store(name)
            return self._open[name]

    def tables(self) -> TableStore | None:
        """Return the store that holds the rows of tables, or None when the settings leave it out."""
        name = self.first_of("sql")
        return cast(TableStore, self.get(name)) if name else None

    def vectors(self) -> VectorStore:
        """Return the vector store that others read vectors from."""
        return cast(VectorStore, self.get(self.first_of("vector") or "vector"))

    def close(self) -> None:
        """Close every store that is open."""
        while self._open:
            self._open.popitem()[1].close()

    def _class_of(self, name: str) -> type[Store]:
        config = self._configs[name]
        return store_class(config.kind, config.url, name)

    def _open_store(self, name: str) -> Store:
        config = self._configs[name]
        folder = self._folder / name
        # Knowledge bases that share a server never share a name: each goes by its ledger's.
        prefix = f"hetarag-{self._identity[:8]}"
        if name != config.kind:
            prefix = f"{prefix}-{name}"
        options = StoreOptions(catalogue=self._catalogue, prefix=prefix, settings=config.options)
        if "vector" in self._class_of(name).takes:
            # Vectors of different embedders never meet: each has a folder and a name of its own.
            embedder = self._embedder()
            own = digest_of(embedder.fingerprint)[:12]
            folder = folder / own
            options = replace(options, dimension=embedder.dimension, prefix=f"{prefix}-{own}")
        folder.mkdir(parents=True, exist_ok=True)
        return open_store(config.kind, config.url, folder, options, name)
