"""How far an ingest is, on standard error when that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@contextmanager
def shown_progress() -> Iterator[Watcher]:
    """Give a watcher that keeps one line of a terminal up to date; without a terminal, a silent one."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading")

        def watch(state: IngestProgress) -> None:
            text = f"{state.doing}: {state.documents} documents, {state.records} records written"
            progress.update(task, description=text)

        yield watch


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is: what it is doing, and how many documents and records are through."""

    doing: str
    documents: int
    records: int


Watcher = Callable[[IngestProgress], None]
