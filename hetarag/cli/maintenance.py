"""status, stores, verify, repair, reindex, migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetarag.cli.common import DEFAULT_KB, Config, Json, Kb, echo, echo_json, open_kb
from hetarag.config import SETTINGS_FILE
from hetarag.engine.migration import migrate as move
from hetarag.types import Difference, StoreInfo


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("status")(status)
    app.command("stores")(stores)
    app.command("verify")(verify)
    app.command("repair")(repair)
    app.command("reindex")(reindex)
    app.command("migrate")(migrate)


def status(kb: Kb = DEFAULT_KB, config: Config = None, json: Json = False) -> None:
    """Show counts, what each store is owed, and its health."""
    with open_kb(kb, config) as rag:
        found = rag.status()
    if json:
        echo_json(found)
        return
    for key in ("documents", "pending", "chunks", "tables", "entities", "embedder", "splitter"):
        echo(f"{key:<10} {getattr(found, key)}")
    for name, store in found.stores.items():
        owed = f", {store.owed} batches owed" if store.owed else ""
        echo(f"{name:<10} {store.engine}: {store.records} records{owed}, {_health(store)}")


def stores(kb: Kb = DEFAULT_KB, config: Config = None, json: Json = False) -> None:
    """Show each store's engine, address, records, lag behind the ledger and latency.

    The exit code is 1 if any store is unhealthy.
    """
    with open_kb(kb, config) as rag:
        found = rag.status()
    if json:
        echo_json({"ledger": found.ledger, "stores": found.stores})
    else:
        echo(f"{'ledger':<9} {found.ledger}")
        for name, store in found.stores.items():
            kind = f" ({store.kind})" if store.kind != name else ""
            echo(f"{name:<9} {store.engine or '?'}{kind} at {store.address}: {_health(store)}")
            lag = f"{store.owed} batches behind" if store.owed else "up to date"
            echo(f"{'':<9} {store.records} records, {lag}, {store.latency_ms:g} ms")
    if not all(store.ok for store in found.stores.values()):
        raise typer.Exit(1)


def verify(kb: Kb = DEFAULT_KB, config: Config = None, json: Json = False) -> None:
    """Compare every store with the ledger; exit code 1 when they differ."""
    with open_kb(kb, config) as rag:
        _report(rag.verify(), json)


def repair(kb: Kb = DEFAULT_KB, config: Config = None, json: Json = False) -> None:
    """Mend what differs; exit code 1 when something is left."""
    with open_kb(kb, config) as rag:
        _report(rag.repair(), json)


def reindex(kb: Kb = DEFAULT_KB, config: Config = None, json: Json = False) -> None:
    """Bring the knowledge base to the settings' embedder and splitter, without parsing again."""
    with open_kb(kb, config) as rag:
        report = rag.reindex()
    if json:
        echo_json(report)
    else:
        echo(f"{report.updated} documents with a new version, {report.pending} batches owed")


def migrate(
    to: Annotated[Path, typer.Option("--to", help="TOML file with the engines to move to.")],
    into: Annotated[Path, typer.Option("--into", help="Folder of the new knowledge base.")],
    kb: Kb = DEFAULT_KB,
    config: Config = None,
    json: Json = False,
) -> None:
    """Copy a knowledge base to other engines, without parsing or embedding again."""
    _report(move(kb, into, to, config=config), json)
    # From now on the folder says by itself where its stores are.
    (into / SETTINGS_FILE).write_bytes(to.read_bytes())


def _health(store: StoreInfo) -> str:
    return "ok" if store.ok else f"UNHEALTHY: {store.detail}"


def _report(differences: list[Difference], json: bool) -> None:
    if json:
        echo_json({"ok": all(d.ok for d in differences), "stores": differences})
    else:
        for difference in differences:
            echo(f"{difference.store:<10} {_summary(difference)}")
    if not all(difference.ok for difference in differences):
        raise typer.Exit(1)


def _summary(difference: Difference) -> str:
    if difference.ok:
        return "agrees with the ledger"
    if not (difference.missing or difference.extra or difference.stale):
        return f"not checked: {difference.error}"
    return (
        f"{len(difference.missing)} missing, {len(difference.extra)} too many, "
        f"{len(difference.stale)} out of date: {difference.error or '`hetarag repair` mends this'}"
    )
