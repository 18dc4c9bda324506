"""How long a warm search takes beside that of another checkout: the two in turn, on the same questions.

    python -m benchmarks.paired_search BASE NEW --corpus corpus.jsonl --questions questions.jsonl

Each checkout has a knowledge base of its own, ingested when it is not there, and a process of its own that
stays up. Blocks of questions go to the one and the other in turn, so that what else the machine does
falls on both; each question is searched once by each. Printed are the ratios of medians and of 95th
percentiles, new to base, with an interval from a bootstrap over questions.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]

_BLOCK = 10  # questions
_WARM = 10  # questions before those that count, which load models and fill caches


def serve(kb: Path, corpus: Path) -> None:
    """Answer each line of standard input, a list of questions, with their seconds and the ids found."""
    from hetarag import HetaRAG  # that of the checkout whose process this is

    with HetaRAG.open(kb) as rag:
        rag.ingest([corpus], progress=lambda _: None)
        warm_up: Any = getattr(rag, "warm_up", None) or getattr(rag, "load_models")  # noqa: B009
        warm_up()
        print(json.dumps(str(Path(sys.modules["hetarag"].__file__ or ""))), flush=True)  # noqa: T201
        for line in sys.stdin:
            found = []
            for question in json.loads(line):
                started = time.perf_counter()
                hits = rag.search(question, access="all", deadline=60).hits
                seconds = time.perf_counter() - started
                found.append((seconds, [(hit.document, hit.start, hit.row) for hit in hits]))
            print(json.dumps(found), flush=True)  # noqa: T201


class Checkout:
    """A process that searches with the code of one checkout."""

    def __init__(self, folder: Path, kb: Path, corpus: Path) -> None:
        script = str(Path(__file__).resolve())  # -P: what stands beside it is not on the path
        command = [sys.executable, "-P", script, "--serve", str(kb), str(corpus)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(folder.resolve())},
            cwd=folder,
        )
        module = Path(self._answer())
        if folder.resolve() not in module.resolve().parents:
            raise SystemExit(f"{folder}: hetarag was imported from {module}")

    def search(self, questions: Sequence[str]) -> list[Any]:
        """Return (seconds, what was found) of each question."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(list(questions)) + "\n")
        self._process.stdin.flush()
        return list(self._answer())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a checkout's process has ended; its error stands above")
        return json.loads(line)


def compare(base: Checkout, new: Checkout, questions: Sequence[str]) -> dict[str, Any]:
    """Search all questions with both, in alternating blocks, and return times in ms and ratios."""
    times: dict[Checkout, list[float]] = {base: [], new: []}
    same = 0
    for checkout in (base, new):
        checkout.search(questions[:_WARM])
    asked = questions[_WARM:]
    for at in range(0, len(asked), _BLOCK):
        turn = (base, new) if at // _BLOCK % 2 == 0 else (new, base)
        found = {checkout: checkout.search(asked[at : at + _BLOCK]) for checkout in turn}
        for checkout in turn:
            times[checkout] += [seconds for seconds, _ in found[checkout]]
        same += sum(a[1] == b[1] for a, b in zip(found[base], found[new], strict=True))
    before, after = np.array(times[base]), np.array(times[new])
    figures: dict[str, Any] = {"pairs": len(asked), "same evidence in the same order": same}
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        low, high = bootstrap(before, after, share)
        ratio = np.quantile(after, share) / np.quantile(before, share)
        figures[f"base {name}, ms"] = round(1000 * float(np.quantile(before, share)), 1)
        figures[f"new {name}, ms"] = round(1000 * float(np.quantile(after, share)), 1)
        figures[f"ratio of {name}"] = f"{ratio:.3f} [{low:.3f}, {high:.3f}]"
    figures["median of the pairs' ratios"] = round(float(np.median(after / before)), 3)
    return figures


def bootstrap(before: Seconds, after: Seconds, share: float, rounds: int = 2000) -> Seconds:
    """Return the 95% interval of the ratio of two quantiles, over questions drawn anew: (low, high)."""
    drawn = np.random.default_rng(0).integers(0, len(before), (rounds, len(before)))
    ratios = np.quantile(after[drawn], share, axis=1) / np.quantile(before[drawn], share, axis=1)
    return np.quantile(ratios, [0.025, 0.975])


def main() -> None:
    """Compare two checkouts on one set of questions."""
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path, help="folder of the checkout to compare with")
    parser.add_argument("new", type=Path, help="folder of the checkout that is measured")
    parser.add_argument("--corpus", type=Path, required=True, help="JSON Lines to ingest")
    parser.add_argument("--questions", type=Path, required=True, help="JSON Lines with `question`")
    parser.add_argument("--kb", type=Path, help="folder for the two knowledge bases, base and new")
    parser.add_argument("--limit", type=int, help="only the first so many questions")
    given = parser.parse_args()
    lines = given.questions.read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines if line.strip()][: given.limit]
    with tempfile.TemporaryDirectory(prefix="hetarag-paired-") as folder:
        kbs = (given.kb or Path(folder)).resolve()
        corpus = given.corpus.resolve()
        base = Checkout(given.base, kbs / "base", corpus)
        new = Checkout(given.new, kbs / "new", corpus)
        for name, value in compare(base, new, questions).items():
            print(f"{name}: {value}")  # noqa: T201
        base.close()
        new.close()


if __name__ == "__main__":
    main()
