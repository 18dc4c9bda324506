"""What pages say that can be checked: paths, digests, that generated pages are up to date."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tools.reference_pages import GENERATED, PAGES

ROOT = Path(__file__).parents[2]
CARDS = ROOT / "docs" / "research" / "model-cards"
_CARD_LINE = re.compile(r"^\| `(hetarag/[^`]+)` \| `([0-9a-f]{64})` \|$", re.MULTILINE)
_PATH = re.compile(r"`((?:hetarag|training|benchmarks|tests|tools|docs|examples)/[\w./-]*)`")


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_up_to_date(name: str) -> None:
    written = (PAGES / name).read_text("utf-8")
    assert written == GENERATED[name]().rstrip("\n") + "\n", "python -m tools.reference_pages"


def test_every_trained_file_has_a_card_with_its_digest() -> None:
    told = dict(
        pair for card in CARDS.glob("*.md") for pair in _CARD_LINE.findall(card.read_text("utf-8"))
    )
    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "hetarag").rglob("*.npz")}
    assert set(told) == shipped
    for name, digest in told.items():
        found = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        assert found == digest, f"{name} was trained anew: its card needs the digest {found}"


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "SECURITY.md", "docs/glossary.md", "docs/concepts", "docs/how-to"]
)
def test_paths_that_pages_name_are_there(page: str) -> None:
    path = ROOT / page
    for file in sorted(path.glob("*.md")) if path.is_dir() else [path]:
        for name in _PATH.findall(file.read_text("utf-8")):
            assert (ROOT / name).exists(), f"{file.name}: {name}"
