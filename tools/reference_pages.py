"""Write the pages of the manual that are made from code: the settings and the command line.

    python -m tools.reference_pages            # writes docs/reference/{settings,command-line}.md
    python -m tools.reference_pages --check    # exit code 1 when one of them is out of date

The settings come from the pydantic models of hetarag.config: a field without a description is an error, as
its description is what the page says of it. The commands come from the typer application.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command

from hetarag.cli.app import app
from hetarag.config import ENV_PREFIX, Settings
from hetarag.store_settings import StoreConfig

PAGES = Path(__file__).resolve().parent.parent / "docs" / "reference"

SETTINGS_HEAD = """\
# Settings

<!-- Written by `python -m tools.reference_pages` from hetarag/config.py; do not edit. -->

Settings stand in a TOML file: `hetarag.toml` in the knowledge base's folder, or the file that `--config` or
`HetaRAG.open(folder, config)` names. Each has an environment variable too, which wins over the file:
`HETARAG_SECTION__KEY`. An unknown name is an error that lists the known ones, in both.

What belongs to `[search]` can differ for one question: `rag.search(question, settings={"rerank": "none"})`.
"""

STORES_TAIL = """\
A further store is a table of its own, `[stores.NAME]`; several stores of one kind stand side by side, each holding
all that its kind takes. Further keys of the table go to its engine. NAME is up to 40 small letters, digits,
`-` and `_`, and begins with a letter.
"""

COMMANDS_HEAD = """\
# Command line

<!-- Written by `python -m tools.reference_pages` from hetarag/cli; do not edit. -->

Every command ends with 0, with 1 after an error, which is one line on standard error, and with 2 when it was called
wrongly. What else a code means is said at the command. `HETARAG_DEBUG=1` adds the traceback of an error.
`--json` prints what [JSON](json.md) describes.
"""


def settings_page() -> str:
    """Return the page of all settings, a table for each section."""
    parts = [SETTINGS_HEAD]
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)
        parts.append(f"## [{section}]\n\n{_paragraphs(model)}\n")
        parts.append(_table(model, section))
        if section == "stores":
            parts.append(STORES_TAIL)
            parts.append(_table(StoreConfig, "stores", "NAME"))
    return "\n".join(parts)


def _paragraphs(model: type[BaseModel]) -> str:
    text = (model.__doc__ or "").strip()
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _table(model: type[BaseModel], section: str, table: str = "") -> str:
    lines = ["| name | type | default | environment | |", "|---|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if not field.description:
            raise SystemExit(f"hetarag/config.py: {model.__name__}.{name} has no description")
        variable = "__".join(part for part in (section, table, name) if part).upper()
        cells = (f"`{name}`", _type(field), _default(field), f"`{ENV_PREFIX}{variable}`")
        lines.append(f"| {' | '.join(cells)} | {_cell(field.description)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _type(field: FieldInfo) -> str:
    return _cell(_named(field.annotation) + _limits(field))


def _named(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f'`"{value}"`' for value in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        given = [part for part in get_args(annotation) if part is not types.NoneType]
        return " or ".join(_named(part) for part in given)
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(
        annotation.__name__, annotation.__name__.lower()
    )


def _limits(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {getattr(limit, name):,}"
        for limit in field.metadata
        for name, sign in signs.items()
        if getattr(limit, name, None) is not None
    ]
    return f", {', '.join(found)}" if found else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "none: must be given"
    if field.default_factory is not None:  # the user's cache differs from machine to machine
        return "the user's cache"
    value = field.default
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def commands_page() -> str:
    """Return the page of all commands with their arguments and options."""
    parts = [COMMANDS_HEAD]
    for words, command in _commands(get_command(app), ("hetarag",)):
        parts.append(_command(words, command))
    return "\n".join(parts)


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield words, command
    for name, part in inner.items():
        yield from _commands(part, (*words, name))


def _command(words: tuple[str, ...], command: Any) -> str:
    parameters = [p for p in command.params if p.name != "help"]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option"]
    shown = [_argument(p) for p in arguments]
    usage = " ".join([*words, *shown, *(["[OPTIONS]"] if options else [])])
    help_text = "\n\n".join(
        " ".join(part.split()) for part in (command.help or "").strip().split("\n\n")
    )
    lines = [f"## {' '.join(words)}\n", f"{help_text}\n", f"```text\n{usage}\n```\n"]
    if parameters:
        lines += ["| | | default |", "|---|---|---|"]
        lines += [
            f"| `{_argument(p).strip('[]')}` | {_cell(p.help or '')} | {_value(p)} |"
            for p in arguments
        ]
        lines += [f"| {_option(p)} | {_cell(p.help or '')} | {_value(p)} |" for p in options]
        lines.append("")
    return "\n".join(lines)


def _argument(parameter: Any) -> str:
    name = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    return (
        names if _is_flag(parameter) else f"{names} {'VALUE …' if parameter.multiple else 'VALUE'}"
    )


def _is_flag(parameter: Any) -> bool:
    return bool(getattr(parameter, "is_flag", False))


def _value(parameter: Any) -> str:
    if parameter.required:
        return "must be given"
    if _is_flag(parameter) or parameter.default is None or callable(parameter.default):
        return ""
    value = parameter.default
    return f"`{value.as_posix() if isinstance(value, Path) else value}`"


GENERATED = {"settings.md": settings_page, "command-line.md": commands_page}


def main(
    check: bool = typer.Option(False, "--check", help="Write nothing; fail when a page is stale."),
) -> None:
    """Write the generated pages of the manual, or check them."""
    stale = []
    for name, page in GENERATED.items():
        path, text = PAGES / name, page().rstrip("\n") + "\n"
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run python -m tools.reference_pages")
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
