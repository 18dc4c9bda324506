"""An ingest that is killed and run again gives the same answers as one that was left alone."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from hetarag.ledger.steps import Step
from tests.ledger import job
from tests.ledger.processes import finish, start

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def _child(kb: Path, sources: Path, phase: str, *arm: str) -> int:
    child = start(kb, sources, phase, *arm)
    finish(child, timeout=120)
    return child.returncode


class Undisturbed:
    """The knowledge base after each phase, when nothing goes wrong."""

    def __init__(self, folder: Path) -> None:
        self.sources = folder / "sources"
        job.write_sources(self.sources)
        self.kb = {}
        self.answers = {}
        self.seconds = {}
        kb = folder / "kb"
        for phase in job.PHASES:
            started = time.monotonic()
            assert _child(kb, self.sources, phase) == 0
            self.seconds[phase] = time.monotonic() - started
            self.answers[phase] = job.answers(kb)
            self.kb[phase] = folder / f"after-{phase}"
            shutil.copytree(kb, self.kb[phase])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))


def _before(undisturbed: Undisturbed, phase: str, tmp_path: Path) -> Path:
    """A copy of the knowledge base as it was before `phase`."""
    kb = tmp_path / "kb"
    earlier = job.PHASES.index(phase) - 1
    if earlier >= 0:
        shutil.copytree(undisturbed.kb[job.PHASES[earlier]], kb)
    return kb


def _disturb(
    undisturbed: Undisturbed, phase: str, tmp_path: Path, arms: Sequence[Sequence[str]]
) -> int:
    kb = _before(undisturbed, phase, tmp_path)
    killed = sum(_child(kb, undisturbed.sources, phase, *arm) != 0 for arm in arms)
    assert _child(kb, undisturbed.sources, phase) == 0
    assert job.answers(kb) == undisturbed.answers[phase]
    return killed


# Nothing is removed while everything is new.
STEPS = [
    (phase, step)
    for phase in job.PHASES
    for step in Step
    if not (phase == "new" and step in (Step.REMOVED, Step.PURGED))
    and not (phase == "deleted" and step in (Step.RECORDED, Step.COMPARED, Step.APPLIED))
]


@pytest.mark.parametrize(
    ("phase", "step"), STEPS, ids=lambda value: str(getattr(value, "name", value))
)
def test_killed_at_each_step(
    undisturbed: Undisturbed, phase: str, step: Step, tmp_path: Path
) -> None:
    # Killed at the first time, then again a little later in the run that should have mended it.
    assert _disturb(undisturbed, phase, tmp_path, [(step.name, "1"), (step.name, "2")]) >= 1


@pytest.mark.parametrize("number", range(10))
def test_killed_at_a_random_moment(undisturbed: Undisturbed, number: int, tmp_path: Path) -> None:
    phase = ("new", "changed")[number % 2]
    moment = random.Random(number).uniform(0.3, 1.0) * undisturbed.seconds[phase]
    _disturb(undisturbed, phase, tmp_path, [(f"{moment:.3f}",)])
