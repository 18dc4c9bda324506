"""What a search asks of the ledger is looked up in indexes: nothing is read through as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hetarag import HetaRAG

LONG = " ".join(f"Colin Archer drew plan {n} of the Fram in Larvik." for n in range(2_000))


@pytest.fixture
def ships(kb: HetaRAG, write_jsonl: Callable[..., Path]) -> HetaRAG:
    kb.ingest(
        [
            write_jsonl(
                {"id": "plans", "title": "Plans of the Fram", "text": LONG},
                *(
                    {"id": f"s{n}", "title": f"Ship {n}", "text": f"Ship {n} was built by Archer."}
                    for n in range(40)
                ),
            )
        ]
    )
    return kb


def test_no_table_of_the_ledger_is_read_through(ships: HetaRAG) -> None:
    asked: list[tuple[str, Any]] = []

    def keep(_conn: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        if text.startswith("SELECT"):
            asked.append((text, values))

    engine = ships._parts.ledger._engine
    sa.event.listen(engine, "before_cursor_execute", keep)
    found = ships.search("Who drew plan 1700 of the Fram, built by Colin Archer?", 10)
    sa.event.remove(engine, "before_cursor_execute", keep)
    assert any("plan 17" in evidence.text for evidence in found)
    read = {
        table
        for table in ("texts", "chunks", "mentions", "entities")
        for text, _ in asked
        if table in text
    }
    assert read == {"texts", "chunks", "mentions", "entities"}
    with engine.connect() as connection:
        for text, values in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
            steps = [row[3] for row in plan]
            # The catalogue of tables is read whole, as the SQL store asks all of them.
            allowed = ("SCAN tables", "CONSTANT")
            scans = [s for s in steps if s.startswith("SCAN") and not any(a in s for a in allowed)]
            assert not scans, f"{scans} in {text}"
