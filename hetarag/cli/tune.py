"""tune: the search settings that find most for a user's own questions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import copymode
from typing import Annotated, Any

import typer

from hetarag.cli.common import DEFAULT_KB, Config, Json, Kb, echo, echo_json, open_kb
from hetarag.config import SETTINGS_FILE
from hetarag.errors import InputError, MissingExtraError
from hetarag.types import plain


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("tune")(tune)


def tune(
    questions: Annotated[
        Path,
        typer.Argument(help="JSON Lines of {id, question, supporting_ids}: names of documents."),
    ],
    kb: Kb = DEFAULT_KB,
    config: Config = None,
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", help="Only this collection; may be repeated."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Only the first N questions.")
    ] = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write settings that are surely better to the TOML file."),
    ] = False,
    json: Json = False,
) -> None:
    """Choose search settings on half of your questions, and see on the others whether they help."""
    from hetarag.eval.datasets import read_questions
    from hetarag.eval.tuning import describe, markdown
    from hetarag.eval.tuning import tune as choose

    with open_kb(kb, config) as rag:
        found = choose(
            rag,
            read_questions(questions, limit),
            collections=collection or (),
            watch=lambda doing: typer.echo(f"trying {doing}", err=True),
        )
    if json:
        echo_json({**plain(found), "better": found.better})
    else:
        echo(markdown(found))
    if not found.better:
        typer.echo("no setting is surely better: the settings in force stay", err=True)
    elif write:
        file = config or kb / SETTINGS_FILE
        write_search(file, found.changes)
        typer.echo(f"{file}: [search] {describe(found.changes)}", err=True)
    else:
        typer.echo(f"better: {describe(found.changes)}; --write keeps it", err=True)


def write_search(file: Path, changes: Mapping[str, Any]) -> None:
    """Set values of [search] in a TOML file; the rest of it stays as it is, comments too."""
    try:
        import tomlkit
    except ImportError as error:
        raise MissingExtraError("tomlkit", "eval", "Writing settings") from error
    try:
        document = tomlkit.parse(file.read_text("utf-8") if file.is_file() else "")
        section = document.setdefault("search", tomlkit.table())
        for key, value in changes.items():
            section[key] = value
        whole = file.with_name(f"{file.name}.part")
        whole.touch(mode=0o600)  # the file may hold passwords: never wider open than it was
        whole.write_text(tomlkit.dumps(document), "utf-8")
        if file.is_file():
            copymode(file, whole)
        whole.replace(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: the settings cannot be written: {error}") from error
