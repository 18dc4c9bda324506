"""The demo: ingest `examples/knowledge`, ask what several stores must answer together, show why.

Run it with `make demo`, or `python examples/demo.py` where hetarag and its models are installed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from hetarag import HetaRAG
from hetarag.cli.rendering import print_answer

HERE = Path(__file__).parent
SHOWN = ("q05", "q16", "q27", "q30", "q34", "q38", "q40")
"""Single hop, two hops, table look-up, count, superlative, row then passage, unanswerable."""


def main() -> None:
    """Ingest, ask, print."""
    console = Console(highlight=False)
    listed = json.loads((HERE / "questions.json").read_text("utf-8"))
    questions = {entry["id"]: entry for entry in listed}
    started = time.monotonic()
    with HetaRAG.open(HERE.parent / "demo-kb") as rag:
        report = rag.ingest([HERE / "knowledge"])
        console.print(
            f"{report.added} documents added, {report.updated} updated, {report.unchanged} "
            f"unchanged, {time.monotonic() - started:.1f} s"
        )
        for failure in report.failures:
            console.print(Text(f"not taken in: {failure.source}: {failure.reason}"))
        for identifier in SHOWN:
            question = questions[identifier]
            console.print()
            kind = question["type"].replace("_", " ")
            console.print(Text(f"Q ({kind}): {question['question']}", style="bold cyan"))
            answer = rag.ask(question["question"])
            print_answer(answer)
            expected = " or ".join(question["answers"]) or "not in the sources"
            console.print(Text(f"  expected: {expected}", style="dim"))
    console.print(f"\n{time.monotonic() - started:.0f} s in all. Ask your own questions:")
    console.print('  .venv/bin/hetarag ask "Who designed the Fram?" --kb demo-kb --trace')


if __name__ == "__main__":
    sys.exit(main())
