"""ingest, list, tag, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetarag.cli.common import (
    DEFAULT_KB,
    Collection,
    Config,
    Json,
    Kb,
    conditions,
    echo,
    echo_json,
    open_kb,
)
from hetarag.config import DEFAULT_COLLECTION
from hetarag.types import IngestReport


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("ingest")(ingest)
    app.command("list")(list_documents)
    app.command("tag")(tag)
    app.command("delete")(delete)


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    kb: Kb = DEFAULT_KB,
    collection: Annotated[
        str, typer.Option("--collection", help="Collection to put them into.")
    ] = DEFAULT_COLLECTION,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only principals with this tag see them.")
    ] = None,
    meta: Annotated[
        list[str] | None, typer.Option("--meta", help="key=value, kept with every document.")
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Take in files and folders; unchanged files are skipped, changed ones replaced."""
    metadata = {key: value["eq"] for key, value in conditions(meta or []).items()}
    with open_kb(kb, config, create=True) as rag:
        report = rag.ingest(paths, collection=collection, tags=tag, metadata=metadata)
    if json:
        echo_json(report)
    else:
        _print(report)
    if report.failures and not (report.added or report.updated or report.unchanged):
        raise typer.Exit(1)


def list_documents(
    kb: Kb = DEFAULT_KB, collection: Collection = None, config: Config = None, json: Json = False
) -> None:
    """List the documents."""
    with open_kb(kb, config) as rag:
        documents = rag.documents(collection=collection)
    if json:
        echo_json({"documents": documents})
        return
    for info in documents:
        tags = f"  [{', '.join(info.tags)}]" if info.tags else ""
        size = f"{info.chunks} chunks, {info.tables} tables"
        echo(f"{info.collection}: {info.name}  ({info.state}, {size}){tags}")


def tag(
    document: Annotated[str, typer.Argument(help="Name, address or id of a document.")],
    tags: Annotated[
        list[str] | None, typer.Argument(help="Its new tags; none makes it open.")
    ] = None,
    kb: Kb = DEFAULT_KB,
    collection: Collection = None,
    config: Config = None,
) -> None:
    """Replace the tags of a document."""
    with open_kb(kb, config) as rag:
        info = rag.tag(document, tags or [], collection=collection)
    echo(f"{info.name}: {', '.join(info.tags) or 'no tags, open to everyone'}")


def delete(
    document: Annotated[str, typer.Argument(help="Name, address or id of a document.")],
    kb: Kb = DEFAULT_KB,
    collection: Collection = None,
    config: Config = None,
) -> None:
    """Remove a document from every store."""
    with open_kb(kb, config) as rag:
        rag.delete(document, collection=collection)
    echo(f"deleted {document}")


def _print(report: IngestReport) -> None:
    for failure in report.failures:
        echo(f"not taken in: {failure.source}: {failure.reason}")
    for warning in report.warnings:
        echo(f"note: {warning.source}: {warning.reason}")
    parts = [f"{report.added} added", f"{report.updated} updated", f"{report.unchanged} unchanged"]
    if report.retagged:
        parts.append(f"{report.retagged} with new tags")
    if report.failures:
        parts.append(f"{len(report.failures)} failed")
    if report.pending:
        parts.append(f"{report.pending} batches owed to stores")
    echo(", ".join(parts))
