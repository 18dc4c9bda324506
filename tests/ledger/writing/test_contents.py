from datetime import date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hetarag.ids import digest_of
from hetarag.ledger.reading.stored_text import full_text, slices
from hetarag.ledger.schema import PIECE, documents, texts, versions
from hetarag.ledger.session import Ledger, batched
from hetarag.ledger.staged_rows import pack_rows, unpack_rows
from hetarag.store_settings import EMBEDDED

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.dates(),
    st.datetimes(),
)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_packed_rows_come_back_with_their_types(rows: list[tuple[object, object]]) -> None:
    back = unpack_rows(pack_rows(rows))  # type: ignore[arg-type]
    assert back == rows
    assert [[type(cell) for cell in row] for row in back] == [[type(c) for c in r] for r in rows]


def test_dates_and_times_stay_apart() -> None:
    rows = [(date(1911, 12, 14), datetime(1911, 12, 14))]
    assert [type(cell) for cell in unpack_rows(pack_rows(rows))[0]] == [date, datetime]


def test_digest_tells_where_one_part_ends() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("ab") == digest_of(b"ab")


def test_slices_cross_the_borders_of_pieces(tmp_path: Path) -> None:
    ledger = Ledger(EMBEDDED, tmp_path)
    text = "".join(chr(0x4E00 + n % 500) for n in range(2 * PIECE + 10))
    with ledger.writing() as connection:
        connection.execute(
            documents.insert().values(id="d", collection="c", uri="u", name="n", deleted=False)
        )
        connection.execute(
            versions.insert().values(
                generation=1,
                document_id="d",
                state="live",
                sha256="",
                splitter="",
                extractor="",
                media_type="",
                title="",
                length=len(text),
                pages=[],
                metadata={},
            )
        )
        rows = [
            {"generation": 1, "piece": at // PIECE, "text": text[at : at + PIECE]}
            for at in range(0, len(text), PIECE)
        ]
        connection.execute(texts.insert(), rows)
    spans = [
        (0, 5),
        (PIECE - 3, PIECE + 4),
        (PIECE - 1, 2 * PIECE + 1),
        (2 * PIECE, 2 * PIECE + 10),
        (7, 7),
    ]
    with ledger.reading() as connection:
        found = slices(connection, [(1, start, end) for start, end in spans])
        assert found == [text[start:end] for start, end in spans]
        assert full_text(connection, 1) == text


def test_parts_cover_everything_once() -> None:
    assert [list(part) for part in batched(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []
