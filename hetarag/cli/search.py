"""search and ask."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hetarag.cli.common import (
    DEFAULT_KB,
    Config,
    Json,
    Kb,
    conditions,
    echo,
    echo_json,
    open_kb,
)
from hetarag.cli.rendering import answer_json, print_answer, print_trace, search_json
from hetarag.errors import InputError
from hetarag.types import RankedEvidence, SearchTrace

Question = Annotated[str, typer.Argument(help="The question.")]
Where = Annotated[
    list[str] | None, typer.Option("--where", help="Condition on metadata: key=value, key>=value.")
]
Principal = Annotated[
    list[str] | None, typer.Option("--principal", help="A tag that the asker has; may be repeated.")
]
AccessAll = Annotated[bool, typer.Option("--access-all", help="See documents of every tag.")]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", help="Only this collection; may be repeated.")
]
OnError = Annotated[
    str, typer.Option("--on-error", help="A store that fails: raise an error, or skip it.")
]
Trace = Annotated[bool, typer.Option("--trace", help="Show how the search and the reading went.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("search")(search)
    app.command("ask")(ask)


def search(
    question: Question,
    kb: Kb = DEFAULT_KB,
    k: Annotated[int, typer.Option("-k", help="How many pieces of evidence.")] = 10,
    where: Where = None,
    principal: Principal = None,
    access_all: AccessAll = False,
    collection: Collections = None,
    on_error: OnError = "raise",
    trace: Trace = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Search all stores and print the ranked evidence."""
    options = _options(where, principal, access_all, collection, on_error)
    with open_kb(kb, config) as rag:
        found = rag.search(question, k, **options)
    if json:
        echo_json(search_json(found))
        return
    for number, evidence in enumerate(found, start=1):
        _print(number, evidence)
    if found.trace is not None:
        _warn_incomplete(found.trace)
        if trace:
            print_trace(found.trace, None, found.hits)


def ask(
    question: Question,
    kb: Kb = DEFAULT_KB,
    decoder: Annotated[
        str | None, typer.Option("--decoder", help="lfd, lfd-paper, greedy, …")
    ] = None,
    where: Where = None,
    principal: Principal = None,
    access_all: AccessAll = False,
    collection: Collections = None,
    on_error: OnError = "raise",
    trace: Trace = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Answer a question from the evidence, with citations."""
    options = _options(where, principal, access_all, collection, on_error)
    with open_kb(kb, config) as rag:
        answer = rag.ask(question, decoder=decoder, **options)
    if json:
        echo_json(answer_json(answer))
        return
    print_answer(answer)
    _warn_incomplete(answer.trace.search)
    if trace:
        print_trace(answer.trace.search, answer.trace.read, answer.evidence)


def _options(
    where: list[str] | None,
    principal: list[str] | None,
    access_all: bool,
    collection: list[str] | None,
    on_error: str,
) -> dict[str, Any]:
    if on_error not in ("raise", "skip"):
        raise InputError(f"--on-error is raise or skip, not {on_error!r}")
    return {
        "where": conditions(where or []),
        "principal": principal or [],
        "access": "all" if access_all else None,
        "collections": collection or [],
        "on_error": on_error,
    }


def _print(number: int, evidence: RankedEvidence) -> None:
    stores = ", ".join(f"{hit.store} {hit.rank}" for hit in evidence.hits)
    page = f", page {evidence.page}" if evidence.page is not None else ""
    row = f", row {evidence.row}" if evidence.row is not None else ""
    echo(f"{number:>2}. {evidence.title}  ({evidence.document}{page}{row})")
    echo(f"    {evidence.kind}, score {evidence.score:.4f}: {stores}")
    text = " ".join(evidence.text.split())
    echo(f"    {text[:240]}{'…' if len(text) > 240 else ''}")


def _warn_incomplete(trace: SearchTrace) -> None:
    for store, status in trace.stores.items():
        if status.status in ("failed", "late"):
            what = f"the {store} store" if store in trace.plan else store
            echo(f"! without {what}: {status.status}, {status.reason}")
