"""What a search must never do: write, see what is forbidden, run on past its deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from hetarag import ids
from hetarag.errors import StoreTimeoutError
from hetarag.types import Filter, Query
from tests.stores.sql.samples import Asked, open_store, record

pytestmark = pytest.mark.usefixtures("sql_engine")

# MariaDB ends a recursion after a thousand steps.
_ENDLESS_MARIADB = "SELECT sum(a.seq * b.seq) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"
_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, sql_engine: str) -> Iterator[Asked]:
    asked = Asked(tmp_path_factory.mktemp("big"))
    asked.add(
        "parcels",
        [("code", "text"), ("town", "text"), ("weight", "integer"), ("year", "integer")],
        [(f"parcel {n}", f"Town{n % 500}", n % 1_000, 1950 + n % 70) for n in range(100_000)],
    )
    yield asked
    asked.store.close()


def test_a_big_table_is_searched_in_moments(big: Asked) -> None:
    questions = {
        "How many parcels are there?": 100_000,
        "How many parcels weigh the most?": None,
        "What is the number of parcels with a weight above 989?": 1_000,  # 990…999, 100 times each
        "How many parcels have the town Town77?": 200,
        "What is the maximum weight of the parcels?": 999,
    }
    began = time.perf_counter()
    for question, expected in questions.items():
        assert big.answer(question) == (None if expected is None else [(expected,)])
    assert time.perf_counter() - began < 10  # a guard against scans in Python, no benchmark
    assert big.rows("Where is parcel 76543 now?")[0] == (1, 76_544)


def test_a_slow_statement_is_interrupted_at_the_deadline(tmp_path: Path, sql_engine: str) -> None:
    endless = _ENDLESS_MARIADB if sql_engine == "mariadb" else _ENDLESS
    store = open_store(tmp_path)
    began = time.monotonic()
    with (
        pytest.raises(StoreTimeoutError),
        store._database.read(began + 0.3) as connection,
    ):
        connection.execute(sa.text(endless)).scalar()
    assert 0.25 < time.monotonic() - began < 5
    with store._database.read(time.monotonic() + 60) as connection:  # the connection is still good
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_a_search_past_its_deadline_is_late(big: Asked) -> None:
    with pytest.raises(StoreTimeoutError):
        big.store.search(Query("How many parcels are there?", deadline=time.monotonic() - 1), 5)
    with pytest.raises(StoreTimeoutError):
        big.store.search(
            Query("What is the average weight of parcels?", deadline=time.monotonic() + 0.0005), 5
        )
    query = Query("How many parcels are there?", deadline=time.monotonic() + 60)
    assert big.store.search(query, 5).hits[0].payload is not None


def test_forbidden_tables_are_never_computed(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    columns = [("name", "text"), ("salary", "integer")]
    asked.add("salaries", columns, [("Ann Lee", 10), ("Bo Ek", 20)], tags=("board",))  # type: ignore[arg-type]
    asked.add("towns", [("town", "text")], [("Oslo",)])
    seen: list[str] = []
    sa.event.listen(
        asked.store._database._reader,
        "before_cursor_execute",
        lambda _c, _cursor, statement, _p, _x, _m: seen.append(statement),
    )
    questions = ["What is the average salary of the salaries?", "salary of Ann Lee", "salaries"]
    for question in questions:
        for restriction in (
            Filter(),
            Filter(tags=frozenset({"staff"})),
            Filter(documents=frozenset({"document-2"}), tags=None),
            Filter(collections=frozenset({"elsewhere"}), tags=None),
        ):
            assert asked.hits(question, restriction=restriction) == []
    assert not any("t_1_1" in statement for statement in seen)
    allowed = asked.hits(questions[0], restriction=Filter(tags=frozenset({"board"})))
    assert allowed[0].payload is not None
    assert allowed[0].payload.rows == ((15,),)


def test_a_table_that_goes_while_it_is_asked_about_is_no_error(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    table = asked.add("pubs", [("name", "text")], [("Bar",), ("Inn",)])
    asked.store.delete([table.id])
    assert asked.catalogue.tables == [table]
    assert asked.hits("How many pubs are there, and is Bar one?") == []
    assert asked.hits("How many pubs are there?") == []
    assert asked.store.rows(table, 1, 2) == []


def test_a_table_that_is_replaced_between_two_statements_is_read_again(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    old = asked.add("pubs", [("name", "text")], [("Bar",), ("Inn",)])
    new = replace(old, physical="t_1_2")

    def replace_it(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if old.physical in statement and asked.catalogue.tables == [old]:
            asked.catalogue.tables = [new]
            asked.store.apply([record(new, [("Bar",), ("Inn",), ("Spa",)], "d2")])

    sa.event.listen(asked.store._database._reader, "before_cursor_execute", replace_it)
    answer = asked.answer("How many pubs are there?")
    assert asked.catalogue.tables == [new]
    assert answer in ([(2,)], [(3,)])  # the snapshot before, or all of what came after
    asked.catalogue.tables = [old]
    assert asked.store.rows(old, 1, 3) == []
    assert asked.store.rows(new, 1, 3) == [("Bar",), ("Inn",), ("Spa",)]


INJECTIONS = [
    "How many lists are there'; DROP TABLE t_1_1; --",
    'How many lists where "name" = "x" OR 1=1',
    "lists UNION SELECT digest FROM hetarag_tables",
    "How many lists are named Robert'); DROP TABLE Students;--",
    "How many lists are named %' OR '1'='1",
    "PRAGMA query_only=OFF; DELETE FROM hetarag_cells",
    "'; ATTACH DATABASE '/tmp/evil' AS evil; --",
]


@pytest.mark.parametrize("question", INJECTIONS)
def test_questions_never_become_sql(tmp_path: Path, question: str) -> None:
    asked = Asked(tmp_path)
    rows = [("Robert'); DROP TABLE Students;--",), ("%' OR '1'='1",), ("Ann",)]
    table = asked.add("lists", [("name", "text")], rows)
    statements: list[str] = []
    sa.event.listen(
        asked.store._database._reader,
        "before_cursor_execute",
        lambda _c, _cursor, statement, _p, _x, _m: statements.append(statement),
    )
    asked.hits(question)
    assert all("drop" not in s.lower() and "evil" not in s and "1=1" not in s for s in statements)
    assert asked.store.rows(table, 1, 9) == rows
    assert len(list(asked.store.scan())) == 1


def test_a_cell_with_quotes_is_a_parameter(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.add(
        "pubs", [("name", "text"), ("town", "text")], [("O'Neill's", "Cork"), ("Bar", "Cork")]
    )
    result = asked.result("How many pubs have the name O'Neill's?")
    assert result is not None
    assert result.rows == ((1,),)
    assert result.statement == "SELECT count(*) FROM \"pubs\" WHERE \"name\" = 'O''Neill''s'"


def test_searches_and_writes_go_on_side_by_side(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.add("pubs", [("name", "text")], [("Bar",), ("Inn",)])
    failures: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(40):
                assert asked.answer("How many pubs are there?") == [(2,)]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    other = Asked.__new__(Asked)
    other.store, other.catalogue = asked.store, type(asked.catalogue)(asked.catalogue.tables)
    for _ in range(10):
        extra = other.add("shops", [("name", "text")], [("Deli",)] * 50)
        other.catalogue.tables.remove(extra)
        other.store.delete([ids.row_id(extra.number, 0)])
    for thread in threads:
        thread.join()
    assert not failures
