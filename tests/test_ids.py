import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetarag import ids


@given(st.integers(0, 2**56 - 1), st.integers(0, 2**48 - 1))
def test_row_ids_hold_table_and_row(table: int, row: int) -> None:
    identifier = ids.row_id(table, row)
    assert ids.parse_row_id(identifier) == (table, row)
    assert uuid.UUID(identifier).version == 8
    assert uuid.UUID(identifier).variant == uuid.RFC_4122


@pytest.mark.parametrize(("table", "row"), [(-1, 0), (0, -1), (2**56, 0), (0, 2**48)])
def test_numbers_that_do_not_fit_are_refused(table: int, row: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        ids.row_id(table, row)


def test_other_ids_are_no_row_ids() -> None:
    document = ids.document_id("default", "file:///a.md")
    for identifier in (document, ids.chunk_id(document, 1, 0), ids.entity_id("fram"), "no id", ""):
        assert ids.parse_row_id(identifier) is None


def test_a_chunk_of_a_new_version_has_a_new_id() -> None:
    document = ids.document_id("default", "file:///a.md")
    assert ids.chunk_id(document, 1, 0) != ids.chunk_id(document, 2, 0)
    assert ids.document_id("a", "b") != ids.document_id("b", "a")
    assert ids.document_id("a", "\ud800") != ids.document_id("a", "\udfff")
