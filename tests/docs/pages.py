"""Run the code blocks of one page of the manual: `python -m tests.docs.pages PAGE`, in a folder of its own.

Python blocks run in order in one namespace; of console blocks the lines that begin with `$ ` run, those of
`hetarag` in this process; TOML blocks are read as settings. A block with a `title` is written to that file
first (a Python one is then imported), and a `pyproject.toml` with entry points counts as installed from then on. A block below a comment
`<!-- not run: REASON -->` is left out.

The embedder is `HashingEmbedder`, names are found by rules, and the reader says one thing, so that a page takes
seconds and needs no model; whoever gives `HetaRAG.open` a part of their own gets that one.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN = ("python", "console", "toml")
_FENCE = re.compile(
    r"(?P<not_run><!-- not run: (?P<reason>[^\n]+?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: where it begins, and why it is not run, if it is not."""

    line: int
    language: str
    code: str
    title: str
    reason: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that run, would run, or become a file."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        language, title = found["language"], found["title"] or ""
        if language not in RUN and not title:
            continue
        line = text.count("\n", 0, found.start("indent")) + 1
        indent = found["indent"]
        code = "".join(row.removeprefix(indent) for row in found["code"].splitlines(keepends=True))
        yield Block(line, language, code, title, found["reason"] or "")


def commands(code: str) -> Iterator[str]:
    """Yield the commands of a console block: lines that begin with `$ `, with those that go on."""
    lines = iter(code.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).strip()
            yield command


class Runner:
    """Runs blocks one after the other, as a reader of the page would."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"__name__": "page"}

    def run(self, block: Block) -> None:
        """Run one block; whatever it raises says where it stands."""
        if block.title:
            path = Path(block.title)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, "utf-8")
        if block.language == "python" and block.title:
            self._names.update(vars(importlib.import_module(Path(block.title).stem)))
        elif block.language == "python":
            exec(compile(block.code, "page", "exec"), self._names)
        elif block.language == "toml":
            self._toml(block)
        elif block.language == "console":
            for command in commands(block.code):
                self._command(command)

    def _toml(self, block: Block) -> None:
        from hetarag.config import load_settings

        if block.title == "pyproject.toml":
            install(tomllib.loads(block.code))
        elif block.title:
            load_settings(block.title)
        else:
            Path("settings-of-the-page.toml").write_text(block.code, "utf-8")
            load_settings("settings-of-the-page.toml")

    def _command(self, command: str) -> None:
        from typer.testing import CliRunner

        from hetarag.cli.app import app

        program, *arguments = shlex.split(command)
        if program != "hetarag":
            subprocess.run(["bash", "-euc", command], check=True)
            return
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        sys.stdout.write(f"$ {command}\n{done.output}")
        if done.exit_code:
            raise SystemExit(f"{command!r} ended with {done.exit_code}: {done.output}")


def install(project: dict[str, Any]) -> None:
    """Let the entry points of a pyproject.toml count as those of an installed package."""
    from hetarag import plugins

    folder = Path("page_parts-0.1.dist-info")
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: page-parts\nVersion: 0.1\n")
    lines = []
    for group, points in project["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
    plugins._declared_in.cache_clear()


def use_small_parts() -> None:
    """Give every knowledge base an embedder and a reader that need no model."""
    from hetarag import HetaRAG
    from hetarag.testing.doubles import HashingEmbedder, ScriptedReader

    decoders = ("lfd", "lfd-paper", "lfd-normed", "greedy", "dola", "cad", "adacad")
    opened = HetaRAG.open.__func__  # type: ignore[attr-defined]

    def small(kind: type[HetaRAG], *arguments: Any, **options: Any) -> HetaRAG:
        options.setdefault("embedder", HashingEmbedder())
        options.setdefault("reader", ScriptedReader("Colin Archer", " [1]", decoders=decoders))
        rag: HetaRAG = opened(kind, *arguments, **options)
        return rag

    HetaRAG.open = classmethod(small)  # type: ignore[method-assign, assignment]


def main(page: Path) -> None:
    """Run a page's blocks in the current folder."""
    os.environ["HETARAG_INGEST__ENTITIES"] = "rules"
    sys.path.insert(0, str(Path.cwd()))
    use_small_parts()
    runner = Runner()
    for block in blocks(page):
        if block.reason:
            continue
        try:
            runner.run(block)
        except BaseException:
            sys.stderr.write(f"\n{page.name}, line {block.line}:\n{block.code}\n")
            raise


if __name__ == "__main__":
    main(Path(sys.argv[1]))
