"""What the link ranker is unsure of, read by a cross-encoder.

The ranker compares vectors, words and links; among twenty passages of one name they often do not tell
which is asked for. A cross-encoder reads question and passage together. It is slow, so it gets the few
pieces that the ranker neither trusts nor dismisses; the sure ones keep their places (docs/research/notes/retrieval.md).

It has learnt from passages about one thing each, and reads their first 100 words or so. A piece of a
long document holds several paragraphs about several things, so each is read by itself and the best one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hetarag.retrievers.fusion import Fused, add_log_odds
from hetarag.types import RankedEvidence

_MOST = 12  # pieces, and paragraphs of all of them together: 10 ms each on two cores
_DISMISSED, _TRUSTED = 0.02, 0.97
_SHORT = 15  # words: a heading, or a line, is read with what follows it
_PARAGRAPHS = 6  # of one piece
_WEIGHT = 0.5  # of the log-odds read beside those judged; chosen with that of training


def is_confident(ranked: Fused, at_least: float) -> bool:
    """Tell whether the evidence convinces: a question of several hops needs two pieces at least."""
    return len(ranked) > 1 and ranked[1][1] >= at_least


def uncertain(ranked: Fused) -> list[str]:
    """Return the ids of the best pieces that are neither trusted nor dismissed, at most twelve."""
    return [i for i, probability in ranked if _DISMISSED < probability < _TRUSTED][:_MOST]


def passages_to_score(
    pieces: Mapping[str, RankedEvidence],
) -> Sequence[tuple[str, tuple[str, str]]]:
    """Return (id, (title, paragraph)) of what is read: the best pieces, whole ones, up to twelve paragraphs."""
    found: list[tuple[str, tuple[str, str]]] = []
    for identifier, piece in pieces.items():
        more = [(identifier, (piece.title, part)) for part in paragraphs(piece.text)]
        if len(found) + len(more) > _MOST:
            break
        found += more
    return found


def paragraphs(text: str) -> Sequence[str]:
    """Return the parts of a text that are read by themselves: its paragraphs, at most six, or all of it.

    A paragraph of less than a sixth of the text, or of a few words, is read with the next one.
    """
    least = max(_SHORT, len(text.split()) / _PARAGRAPHS)
    found: list[str] = []
    waiting = ""
    for paragraph in text.split("\n\n"):
        waiting = f"{waiting}\n\n{paragraph}".strip()
        if len(waiting.split()) >= least:
            found.append(waiting)
            waiting = ""
    if waiting:  # too short to stand alone at the end as well
        found[-1:] = ["\n\n".join([*found[-1:], waiting])]
    return found or [text]


def best_scores(ids: Iterable[str], scores: Iterable[float]) -> dict[str, float]:
    """Return the best score of each piece, where `ids` tell whose paragraph has which score."""
    best: dict[str, float] = {}
    for identifier, score in zip(ids, scores, strict=True):
        best[identifier] = max(score, best.get(identifier, score))
    return best


def blend_scores(ranked: Fused, scores: Mapping[str, float]) -> Fused:
    """Return the pieces in their new order; `scores` are log-odds of those that were read."""
    return add_log_odds(ranked, {i: _WEIGHT * score for i, score in scores.items()})
