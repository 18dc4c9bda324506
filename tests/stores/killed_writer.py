"""A child process that writes to a store until it is killed: KIND FOLDER ADDRESS on its command line.

It says "done N" once step N is on disk, as far as the store's promise goes.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from hetarag.types import Record
from tests.stores.store_samples import Bench

BATCH = 12


def step_records(bench: Bench, step: int) -> list[Record]:
    """Return what step `step` applies."""
    return [bench.sample(number) for number in range(step * BATCH, (step + 1) * BATCH)]


def step_deletes(bench: Bench, step: int) -> list[str]:
    """Return the ids that step `step` deletes: the first of the batch before."""
    return [bench.sample((step - 1) * BATCH).id] if step else []


def main(bench: Bench) -> None:
    """Write and report, for ever."""
    store = bench.open()
    for step in count():
        store.apply(step_records(bench, step))
        store.delete(step_deletes(bench, step))
        sys.stdout.write(f"done {step}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Bench(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
