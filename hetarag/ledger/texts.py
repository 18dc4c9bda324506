"""Reading pieces of extracted texts without loading the whole."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, tuple_

from hetarag.ledger.ledger import parts
from hetarag.ledger.schema import PIECE, texts


def slices(connection: Connection, spans: Sequence[tuple[int, int, int]]) -> list[str]:
    """Return the text of each (generation, start, end), in code points."""
    wanted = sorted(
        {
            (generation, piece)
            for generation, start, end in spans
            for piece in range(start // PIECE, max(end - 1, start) // PIECE + 1)
        }
    )
    found: dict[tuple[int, int], str] = {}
    for part in parts(wanted, 200):
        rows = connection.execute(
            select(texts.c.generation, texts.c.piece, texts.c.text).where(
                tuple_(texts.c.generation, texts.c.piece).in_(part)
            )
        )
        found.update({(generation, piece): text for generation, piece, text in rows.all()})
    return [_cut(found, *span) for span in spans]


def whole(connection: Connection, generation: int) -> str:
    """Return the whole extracted text of a version."""
    pieces = connection.scalars(
        select(texts.c.text).where(texts.c.generation == generation).order_by(texts.c.piece)
    )
    return "".join(pieces)


def _cut(found: dict[tuple[int, int], str], generation: int, start: int, end: int) -> str:
    first, last = start // PIECE, max(end - 1, start) // PIECE
    text = "".join(found.get((generation, piece), "") for piece in range(first, last + 1))
    return text[start - first * PIECE : end - first * PIECE]
