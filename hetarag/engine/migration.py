"""`migrate`: a knowledge base moves to other engines without parsing or embedding anything again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hetarag.config import Settings
from hetarag.engine.knowledge_base import HetaRAG
from hetarag.engine.maintenance import copy
from hetarag.errors import InputError
from hetarag.protocols import Embedder
from hetarag.types import Difference

Config = str | Path | Mapping[str, Any] | Settings | None


def migrate(
    source: str | Path,
    target: str | Path,
    to: Config,
    *,
    config: Config = None,
    embedder: Embedder | None = None,
) -> list[Difference]:
    """Copy the knowledge base in `source` into the folder `target` on the engines of `to`.

    `config` are the settings of the source. The source stays as it is; both may go on, apart. Returns
    what `verify` says of the new one: nothing is left to do where all agree.

    Raises:
        InputError: the same folder twice, a target that holds something, or work still owed.
        FingerprintError: `to` names another embedder; move first, then `reindex`.
    """
    if Path(source).resolve() == Path(target).resolve():
        raise InputError(f"{target}: is the folder to move from: give another one")
    with (
        HetaRAG.open(source, config, create=False, embedder=embedder) as old,
        HetaRAG.open(target, to, embedder=embedder) as new,
    ):
        return copy(old._parts, new._parts)
