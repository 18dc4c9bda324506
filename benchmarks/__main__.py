"""`python -m benchmarks NAME`, from the root of the repository."""

from __future__ import annotations

from benchmarks import server_commands
from benchmarks.commands import app
from hetarag.cli.app import run

__all__ = ["app"]

app.command("parity")(server_commands.parity)
app.command("stores")(server_commands.stores)
app.command("load")(server_commands.load)

if __name__ == "__main__":
    run(app)
