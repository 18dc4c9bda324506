"""The command line: `hetarag COMMAND`. Each group of commands has a file in `hetarag.commands`."""

from __future__ import annotations

import os
import sys

import typer

from hetarag.commands import asking, bench, bench_servers, documents, models, tuning, upkeep
from hetarag.errors import HetaRAGError

app = typer.Typer(
    name="hetarag",
    help="Ask questions over vectors, full text, a graph and SQL, and get cited answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (documents, asking, upkeep, tuning):
    part.register(app)
app.add_typer(models.app, name="models")
bench.app.command("parity")(bench_servers.parity)
bench.app.command("stores")(bench_servers.stores)
bench.app.command("load")(bench_servers.load)
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line; errors of hetarag are one line on standard error and exit code 1."""
    try:
        app()
    except HetaRAGError as error:
        sys.stderr.write(f"hetarag: {error}\n")
        if os.environ.get("HETARAG_DEBUG"):
            raise
        raise SystemExit(1) from None
    except BrokenPipeError:
        # The reader of a pipe has gone (`hetarag list | head`): nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
