"""The command line: `hetarag COMMAND`. Each group of commands has a file in `hetarag.cli`."""

from __future__ import annotations

import os
import sys

import typer

from hetarag.cli import bench, documents, maintenance, models, search, tune
from hetarag.errors import HetaRAGError

app = typer.Typer(
    name="hetarag",
    help="Ask questions over vectors, full text, a graph and SQL, and get cited answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (documents, search, maintenance, tune):
    part.register(app)
app.add_typer(models.app, name="models")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line `hetarag`."""
    run(app)


def run(commands: typer.Typer) -> None:
    """Run a command line; errors of hetarag are one line on standard error and exit code 1."""
    try:
        commands()
    except HetaRAGError as error:
        sys.stderr.write(f"hetarag: {error}\n")
        if os.environ.get("HETARAG_DEBUG"):
            raise
        raise SystemExit(1) from None
    except BrokenPipeError:
        # The reader of a pipe has gone (`hetarag list | head`): nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
