"""Answers and traces as JSON and as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hetarag.types import Answer, RankedEvidence, ReadTrace, SearchResult, SearchTrace, plain


def search_json(found: SearchResult[RankedEvidence]) -> dict[str, Any]:
    """Return what `search --json` prints; docs/reference/json.md describes it."""
    return {
        "evidence": [plain(evidence) for evidence in found],
        "complete": found.complete,
        "trace": plain(found.trace),
    }


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return what `ask --json` prints; docs/reference/json.md describes it."""
    trace = {**plain(answer.trace.search), "read": plain(answer.trace.read)}
    return {
        "question": answer.question,
        "answer": answer.text,
        "supported": answer.supported,
        "citations": plain(answer.citations),
        "evidence": plain(answer.evidence),
        "trace": trace,
    }


def print_answer(answer: Answer) -> None:
    """Print an answer, and for each citation where it came from."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(answer.text, style="bold"))
    by_id = {evidence.id: evidence for evidence in answer.evidence}
    for citation in answer.citations:
        place = citation.document
        if citation.page is not None:
            place += f", page {citation.page}"
        if citation.row is not None:
            place += f", table {citation.table}, row {citation.row}"
        elif citation.start is not None:
            place += f", characters {citation.start}–{citation.end}"
        evidence = by_id.get(citation.evidence)
        stores = ", ".join(f"{h.store} {h.rank}" for h in evidence.hits) if evidence else ""
        console.print(Text(f"  [{citation.number}] {citation.title} — {place}"))
        console.print(Text(f"      “{' '.join(citation.quote.split())[:300]}”", style="italic"))
        console.print(Text(f"      found by: {stores}", style="dim"))


def print_trace(
    search: SearchTrace, read: ReadTrace | None, evidence: Sequence[RankedEvidence] = ()
) -> None:
    """Print how the stores fared, the hops between passages and, for a local reader, each token with its layer."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table("store", "status", "ms", "hits", "weight", "why", title="retrieval plane")
    for store, status in search.stores.items():
        plan = search.plan.get(store)
        table.add_row(
            store,
            status.status,
            f"{status.seconds * 1000:.1f}",
            str(status.hits),
            f"{plan.weight:g}" if plan else "",
            status.reason or (plan.reason if plan else ""),
        )
    console.print(table)
    stages = ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in search.seconds.items())
    console.print(Text(f"stages: {stages}"))
    if search.entities:
        console.print(Text(f"entities in the question: {', '.join(search.entities)}"))
    titles = {piece.id: piece.title for piece in evidence}
    for hop in search.hops:
        source, target = (titles.get(i, i) for i in (hop.source, hop.target))
        console.print(Text(f"hop: {source} — {hop.name} → {target}"))
    if read is None:
        return
    console.print(
        Text(
            f"reader {read.reader}, decoder {read.decoder}: {read.prompt_tokens} prompt tokens, "
            f"first token after {read.first_token_seconds:.2f} s, "
            f"then {read.tokens_per_second:.1f} tokens/s"
        )
    )
    if read.note:
        console.print(Text(read.note))
    _print_tokens(console, read)


def _print_tokens(console: Any, read: ReadTrace) -> None:
    from rich.text import Text

    line = Text("tokens (changed by fusion in red): ")
    for token in read.tokens:
        line.append(token.text.replace("\n", "⏎"), style="bold red" if token.changed else "green")
        if token.layer is not None:
            score = f" {min(token.iks):.2e}" if token.iks else ""
            line.append(f"·{token.layer}{score} ", style="dim")
    console.print(line)
