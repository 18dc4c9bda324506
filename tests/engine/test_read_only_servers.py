"""Servers that take no more, for a full disk or by decree: what they are owed waits, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.refusing_servers import Place

pytestmark = pytest.mark.slow
QUESTION = "Which yard built the Gauss of Kiel?"


def test_what_a_server_refuses_is_owed_and_delivered(
    place: Place, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    kb = place.kb
    fram = write_jsonl({"id": "fram", "title": "Fram", "text": "The Fram was built in Larvik."})
    ships = tmp_path / "ships.csv"
    ships.write_text("ship,yard\nFram,Larvik\n")
    assert kb.ingest([fram, ships]).pending == 0
    place.refuse(True)
    more = tmp_path / "more.csv"
    more.write_text("ship,yard\nGauss,Kiel\n")
    gauss = write_jsonl(
        {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel."}, name="g.jsonl"
    )
    report = kb.ingest([gauss, more])
    assert report.pending
    assert {warning.source.split()[0] for warning in report.warnings} == {place.kind}
    # What was there is found as before, by the store that refuses writes too where it still reads.
    found = kb.search("Which yard built the Fram?", 5, deadline=5, on_error="skip")
    assert found[0].document in ("fram", "ships.csv", str(ships))
    assert found.trace is not None
    assert found.trace.stores[place.kind].status == ("ok" if place.reads else "failed")
    place.refuse(False)
    until = time.monotonic() + 20  # sooner than what was refused twice would be due again
    while kb.status()["pending"] or kb.status()["stores"][place.kind]["owed"]:
        assert time.monotonic() < until
        kb.ingest([gauss, more])  # the next ingest delivers, whatever it brings
        time.sleep(0.2)
    assert all(difference.ok for difference in kb.verify())
    names = [info.name for info in kb.list()]
    assert len(names) == len(set(names)) == 4
    hits = [e.id for e in kb.search(QUESTION, 20, stores=[place.kind])]
    assert hits and len(hits) == len(set(hits))
