"""Every error that hetarag raises on purpose.

HetaRAGError
├── ConfigError            a setting is unknown, malformed or contradicts another
├── InputError             an argument of the caller cannot be used (also a ValueError)
├── MissingExtraError      a package of an optional extra is not installed
├── ModelError             a model is missing, damaged or of an unsupported kind
│   └── UnsupportedModelError   an architecture that a decoder does not know
├── LedgerError            the system of record cannot be used
│   ├── LockedError        another process holds the knowledge base
│   └── FingerprintError   the knowledge base was made with another embedder or splitter
├── IngestError            one file could not be read; carries its path
├── NotFoundError          a document or collection that is not there
├── StoreError             a store failed; carries what names it
│   └── StoreTimeoutError  a store did not answer within its deadline
└── SearchError            one or more stores failed and `on_error="raise"`

Each message says what happened, to what, and what to do next.
"""

from __future__ import annotations


class HetaRAGError(Exception):
    """Root of the tree: catch this to catch everything hetarag raises on purpose."""


class ConfigError(HetaRAGError):
    """A setting is unknown, malformed or contradicts another one."""


class InputError(HetaRAGError, ValueError):
    """An argument of the caller cannot be used."""


class MissingExtraError(HetaRAGError, ImportError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed: "
            f"pip install 'hetarag[{extra}]'"
        )
        self.package = package
        self.extra = extra


class ModelError(HetaRAGError):
    """A model is missing, damaged or of a kind that cannot be used."""


class UnsupportedModelError(ModelError):
    """An architecture, or a way of running it, that a decoder does not know."""


class LedgerError(HetaRAGError):
    """The ledger, the system of record, cannot be used."""


class LockedError(LedgerError):
    """Another process holds the knowledge base."""


class FingerprintError(LedgerError):
    """The knowledge base was made with another embedder or splitter."""


class IngestError(HetaRAGError):
    """One source could not be read; `source` is its path or name."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class NotFoundError(HetaRAGError, KeyError):
    """A document or collection that is not in the knowledge base."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0]) if self.args else ""


class StoreError(HetaRAGError):
    """A store failed; `store` names it."""

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"{store} store: {reason}")
        self.store = store
        self.reason = reason


class StoreTimeoutError(StoreError):
    """A store did not answer within its deadline."""


class SearchError(HetaRAGError):
    """One or more stores failed during a search that asked for all of them."""
