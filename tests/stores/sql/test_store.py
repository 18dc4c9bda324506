"""Writing and reading users' tables: exactness, hostile names, repeats, a killed writer."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hetarag import ids
from hetarag.errors import StoreError
from hetarag.stores.registry import StoreOptions
from hetarag.stores.sql.sqlalchemy import SqlAlchemyStore
from hetarag.testing.doubles import LiveTables
from hetarag.types import Cell, Query, TableInfo
from tests.stores.sql.samples import Asked, address_of, open_store, record, table_info

pytestmark = pytest.mark.usefixtures("sql_engine")

KINDS = ("integer", "real", "boolean", "date", "datetime", "text")
COLUMNS = [(f"a {kind}", kind) for kind in KINDS]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    store = open_store(tmp_path / "sql")
    yield store
    store.close()


def physical_names(store: SqlAlchemyStore) -> set[str]:
    with store._database.read() as connection:
        return set(sa.inspect(connection).get_table_names())


def any_table(number: int = 1) -> TableInfo:
    return table_info(number, "all kinds", COLUMNS)  # type: ignore[arg-type]


ANY_CELL = st.one_of(
    st.none(),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(allow_nan=False),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(timezone(timedelta(hours=2)))),
    st.text(),
    st.text(st.characters(codec=None)),
    st.sampled_from(["'; DROP TABLE x; --", "\x00", "\ud800", "NULL", "", " ", "💥", "1e999"]),
)


def same(left: Cell, right: Cell) -> bool:
    return left == right and (type(left) is type(right) or isinstance(left, float))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(*[ANY_CELL] * len(KINDS)), max_size=8), st.data())
def test_rows_are_exactly_what_was_written(
    store: SqlAlchemyStore, rows: list[tuple[Cell, ...]], data: st.DataObject
) -> None:
    table = any_table()
    store.apply([record(table, rows)])
    first = data.draw(st.integers(1, 10))
    last = data.draw(st.integers(0, 10))
    found = store.rows(table, first, last)
    expected = rows[first - 1 : last] if last >= first else []
    assert len(found) == len(expected)
    assert all(
        same(a, b)
        for left, right in zip(found, expected, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def test_every_type_comes_back_as_itself(store: SqlAlchemyStore) -> None:
    table = any_table()
    row = (2**63 - 1, -0.1, False, date(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), "ß")
    store.apply([record(table, [row])])
    (found,) = store.rows(table, 1, 1)
    assert found == row
    assert [type(cell) for cell in found] == [type(cell) for cell in row]


def test_cells_beyond_the_engine_are_kept_but_not_computed_with(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    table = asked.add(
        "stars",
        [("name", "text"), ("mass", "integer")],
        [("Sol", 2**80), ("Vega", 4), ("Rigel", None)],
    )
    assert asked.store.rows(table, 1, 3) == [("Sol", 2**80), ("Vega", 4), ("Rigel", None)]
    assert asked.result("What is the maximum mass of the stars?") is None
    assert asked.answer("How many stars are there?") == [(3,)]


def test_digests_scan_and_health(store: SqlAlchemyStore) -> None:
    assert store.health().ok
    assert store.health().count == 0
    tables = [table_info(number, "t", [("a", "text")]) for number in range(1, 602)]
    store.apply([record(table, [("x",)], f"d{table.number}") for table in tables])
    expected = {table.id: f"d{table.number}" for table in tables}
    assert dict(store.scan()) == expected
    assert store.digests([*expected, "unknown"]) == expected
    assert store.health().count == len(tables)


def test_a_table_is_overwritten_and_deleted_with_all_its_traces(store: SqlAlchemyStore) -> None:
    old, new = any_table(), table_info(1, "other", [("city", "text")])
    store.apply([record(old, [(2**99, 1.0, None, None, None, "Paris")])])
    store.apply([record(new, [("Rome",), ("Oslo",)], "d2")])
    assert store.digests([new.id]) == {new.id: "d2"}
    assert store.rows(new, 1, 9) == [("Rome",), ("Oslo",)]
    assert "t_1_1" in physical_names(store)
    for _ in range(2):
        store.delete([new.id, "unknown", ids.row_id(77, 0)])
        assert list(store.scan()) == []
        assert "t_1_1" not in physical_names(store)
    with store._database.read() as connection:
        for name in ("hetarag_cells", "hetarag_misfits"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar() == 0


def test_the_same_record_again_changes_nothing(store: SqlAlchemyStore) -> None:
    table = any_table()
    rows: list[tuple[Cell, ...]] = [(1, 1.0, True, date(2000, 1, 1), None, "x")]
    for _ in range(3):
        store.apply([record(table, rows), record(table, rows)])
    assert store.rows(table, 1, 5) == rows
    assert len(list(store.scan())) == 1


def test_an_empty_table_and_a_wide_one(store: SqlAlchemyStore) -> None:
    empty = any_table(1)
    wide = table_info(2, "wide", [(f"column {place}", "integer") for place in range(300)])
    rows = [tuple(range(start, start + 300)) for start in range(50)]
    store.apply([record(empty, []), record(wide, rows)])
    assert store.rows(empty, 1, 10) == []
    assert store.rows(wide, 49, 60) == rows[48:]


HOSTILE = [
    "select", "a\"b'c`d;--", "💥 emoji 💥", "x" * 1_000, "", " ", "hetarag_tables", "%s ? :name {x}",
    "a\nb\tc", "\\", "[bracket]", "drop table \"t_1_1\"", "\x00zero", "rowid", "שלום", "a.b", "\ud800",
]  # fmt: skip


def test_hostile_names_are_only_ever_shown(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    for name in HOSTILE:
        columns = [(other, "text") for other in HOSTILE]
        asked.add(name, columns, [tuple(HOSTILE)])  # type: ignore[arg-type]
    for table in asked.catalogue.tables:
        assert asked.store.rows(table, 1, 2) == [tuple(HOSTILE)]
    for name in HOSTILE:
        for hit in asked.hits(
            f"How many different {name} does {name} have where {name} is {name}?"
        ):
            assert hit.score > 0
    own = {"hetarag_tables", "hetarag_cells", "hetarag_misfits", "hetarag_owner"}
    shown = physical_names(asked.store) - own
    assert shown == {table.physical for table in asked.catalogue.tables}


def test_a_physical_name_that_was_not_generated_is_refused(store: SqlAlchemyStore) -> None:
    good = any_table()
    for name in ("hetarag_tables", 'x"; DROP TABLE y', "sqlite_master", "T 1", ""):
        bad = TableInfo(
            good.number, good.id, good.document_id, good.collection, good.tags, good.title,
            good.name, name, good.columns, 0,
        )  # fmt: skip
        with pytest.raises(StoreError, match="repair"):
            store.apply([record(bad, [])])
    assert list(store.scan()) == []


def test_a_ragged_row_is_refused_and_leaves_nothing_half_done(
    store: SqlAlchemyStore, sql_engine: str
) -> None:
    good, bad = table_info(1, "good", [("a", "text")]), table_info(2, "bad", [("a", "text")])
    with pytest.raises(StoreError, match="row 2 of table 'bad' has 2 cells"):
        store.apply([record(good, [("x",)]), record(bad, [("x",), ("y", "z")])])
    if sql_engine == "mariadb":  # DDL commits by itself: what is half done has no digest
        assert [digest for _, digest in store.scan()] == ["", ""]
        assert store.rows(bad, 1, 9) == []
        store.delete([good.id, bad.id])
    assert list(store.scan()) == []
    assert bad.physical not in physical_names(store)


def test_searching_connections_cannot_write(store: SqlAlchemyStore) -> None:
    with pytest.raises(StoreError, match=r"(?i)read.?only"), store._database.read() as connection:
        connection.execute(sa.text("DELETE FROM hetarag_tables"))


def test_unusable_addresses_are_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="URL"):
        SqlAlchemyStore("no url at all")
    with pytest.raises(StoreError, match="name a file"):
        SqlAlchemyStore("sqlite://")
    (tmp_path / "tables.sqlite").write_bytes(b"this is no database " * 100)
    with pytest.raises(StoreError, match="repair"):
        SqlAlchemyStore.open("embedded", tmp_path, StoreOptions())
    with pytest.raises(StoreError) as caught:
        SqlAlchemyStore("nosuchdb://user:secret@host/db")
    assert "secret" not in str(caught.value)


def test_a_closed_store_answers_with_an_error(store: SqlAlchemyStore) -> None:
    store.close()
    store.close()
    assert not store.health().ok
    with pytest.raises(StoreError, match="closed"):
        store.search(Query("x"), 5) if store._catalogue else store.digests(["x"])


WRITER = """
import sys
from pathlib import Path
from hetarag.stores.registry import StoreOptions
from hetarag.stores.sql.sqlalchemy import SqlAlchemyStore
from hetarag.testing.doubles import LiveTables
from tests.stores.sql.samples import record, table_info
store = SqlAlchemyStore.open(sys.argv[2], Path(sys.argv[1]), StoreOptions())
for turn in range(10**6):
    table = table_info(turn % 3 + 1, "t", [("a", "text"), ("b", "integer")])
    store.apply([record(table, ((f"turn {turn}", row) for row in range(500)), f"d{turn}")])
    print(turn, flush=True)
"""


def test_a_killed_writer_leaves_whole_tables(tmp_path: Path, sql_engine: str) -> None:
    for round_ in range(2):
        child = subprocess.Popen(
            [
                *(sys.executable, "-c", WRITER),
                *(str(tmp_path), address_of(tmp_path)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert child.stdout is not None
        confirmed = [child.stdout.readline() for _ in range(4)]
        time.sleep(random.Random(round_).random() * 0.05)
        child.send_signal(signal.SIGKILL)
        confirmed += child.stdout.readlines()
        child.wait()
        store = open_store(tmp_path, LiveTables())
        found = dict(store.scan())
        done = int(confirmed[-1])
        # Where DDL commits by itself a table may be half done: it has no digest, or is not there.
        unfinished = 3 - sum(map(bool, found.values()))
        assert unfinished <= (sql_engine == "mariadb")
        for number in (1, 2, 3):
            table = table_info(number, "t", [("a", "text"), ("b", "integer")])
            if not found.get(table.id):
                assert store.rows(table, 1, 10_000) == []
                continue
            turn = int(found[table.id].removeprefix("d"))
            assert store.rows(table, 1, 10_000) == [(f"turn {turn}", row) for row in range(500)]
            newest = max(t for t in range(done + 1) if t % 3 == number - 1)
            assert turn in (newest, newest + 3)
        store.close()


def test_a_record_without_rows_keeps_those_that_are_there(store: SqlAlchemyStore) -> None:
    info = replace(table_info(1, "ships", [("ship", "text")]), row_count=2)
    whole = record(info, [("Fram",), ("Gauss",)])
    store.apply([whole])
    store.apply([replace(whole, rows=None, digest="another")])
    assert store.digests([whole.id]) == {whole.id: "another"}
    assert store.rows(info, 1, 2) == [("Fram",), ("Gauss",)]


def test_rows_that_nobody_has_are_an_error_and_no_empty_table(store: SqlAlchemyStore) -> None:
    info = replace(table_info(1, "ships", [("ship", "text")]), row_count=2)
    whole = record(info, [("Fram",), ("Gauss",)])
    with pytest.raises(StoreError, match=r"rows of table 'ships' are gone.*ingest it again"):
        store.apply([replace(whole, rows=None)])
    assert store.digests([whole.id]).get(whole.id, "") == ""
    store.apply([whole])
    assert store.rows(info, 1, 2) == [("Fram",), ("Gauss",)]
