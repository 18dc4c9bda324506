"""Reading pieces of extracted texts without loading the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from hetarag.ledger.schema import PIECE, texts
from hetarag.ledger.session import batched
from hetarag.types import Heading

_PIECES = select(texts.c.generation, texts.c.piece, texts.c.text)
_OF_A_PIECE = _PIECES.where(
    texts.c.piece == bindparam("one"), texts.c.generation.in_(bindparam("some", expanding=True))
)
_OF_A_GENERATION = _PIECES.where(
    texts.c.generation == bindparam("one"), texts.c.piece.in_(bindparam("some", expanding=True))
)


def slices(connection: Connection, spans: Sequence[tuple[int, int, int]]) -> list[str]:
    """Return the text of each (generation, start, end), in code points."""
    by_piece: dict[int, set[int]] = defaultdict(set)
    by_generation: dict[int, set[int]] = defaultdict(set)
    for generation, start, end in spans:
        for piece in range(start // PIECE, max(end - 1, start) // PIECE + 1):
            by_piece[piece].add(generation)
            by_generation[generation].add(piece)
    found: dict[tuple[int, int], str] = {}
    # One statement for each piece number or for each generation, whichever are fewer: SQLite reads
    # the whole table for a list of pairs.
    statement, wanted = _OF_A_PIECE, by_piece
    if len(by_generation) < len(by_piece):
        statement, wanted = _OF_A_GENERATION, by_generation
    for value, others in sorted(wanted.items()):
        for part in batched(sorted(others)):
            rows = connection.execute(statement, {"one": value, "some": part})
            found.update({(generation, piece): text for generation, piece, text in rows.all()})
    return [_cut(found, *span) for span in spans]


def full_text(connection: Connection, generation: int) -> str:
    """Return the whole extracted text of a version."""
    pieces = connection.scalars(
        select(texts.c.text).where(texts.c.generation == generation).order_by(texts.c.piece)
    )
    return "".join(pieces)


def _cut(found: dict[tuple[int, int], str], generation: int, start: int, end: int) -> str:
    first, last = start // PIECE, max(end - 1, start) // PIECE
    text = "".join(found.get((generation, piece), "") for piece in range(first, last + 1))
    return text[start - first * PIECE : end - first * PIECE]


def headings_of(stored: Sequence[Sequence[int]] | None) -> tuple[Heading, ...]:
    """Return the headings of a version as `write_versions` keeps them; None: from before they were kept."""
    return tuple(Heading(*numbers) for numbers in stored or ())
