"""Evidence with distractors and with false answers."""

from __future__ import annotations

from hetarag.eval.datasets import Passage, Question
from hetarag.eval.qa_tasks import as_evidence, gold_task, in_conflict, with_distractors

PASSAGES = {
    name: Passage(name, title, text)
    for name, title, text in [
        ("fram", "Fram", "The Fram was designed by Colin Archer. Archer, Colin Archer, was born in 1832."),
        ("gauss", "Gauss", "The Gauss was built in Kiel in 1901."),
        ("belgica", "Belgica", "The Belgica sailed under Adrien de Gerlache."),
    ]
}  # fmt: skip


def question(name: str, text: str, answer: str, *supporting: str) -> Question:
    return Question(name, text, (answer,), frozenset(supporting))


DESIGNER = question("q1", "Who designed the Fram?", "Colin Archer", "fram")
OTHERS = [
    DESIGNER,
    question("q2", "Where was the Gauss built?", "Kiel", "gauss"),
    question("q3", "When?", "1901", "gauss"),
    question("q4", "Who led?", "Otto Nordenskjöld", "belgica"),
]


def test_gold_passages_come_in_a_fixed_order() -> None:
    asked = question("q", "?", "x", "gauss", "fram")
    assert [piece.document for piece in gold_task(asked, PASSAGES).evidence] == ["fram", "gauss"]


def test_distractors_are_what_a_search_finds_beside_gold() -> None:
    found = [as_evidence(PASSAGES[name]) for name in ("fram", "belgica", "fram", "gauss")]
    task = with_distractors(gold_task(DESIGNER, PASSAGES), lambda _, k: found[:k], 1)
    assert sorted(piece.document for piece in task.evidence) == ["belgica", "fram"]
    again = with_distractors(gold_task(DESIGNER, PASSAGES), lambda _, k: found[:k], 1)
    assert again == task  # shuffled, but the same way each time


def test_a_conflict_puts_an_answer_of_the_same_kind_everywhere() -> None:
    task = in_conflict(gold_task(DESIGNER, PASSAGES), OTHERS)
    assert task is not None
    assert task.question.answers == ("Otto Nordenskjöld",)  # two words, as the true one
    assert task.memory == ("Colin Archer",)
    (piece,) = task.evidence
    assert "Colin Archer" not in piece.text
    assert piece.text.count("Otto Nordenskjöld") == 2


def test_there_is_no_conflict_without_a_place_or_another_answer() -> None:
    elsewhere = question("q", "Who designed the Gauss?", "Otto Kretschmer", "gauss")
    assert in_conflict(gold_task(elsewhere, PASSAGES), OTHERS) is None
    yes = question("q", "Was Colin born in Norway, yes?", "yes", "fram")
    assert in_conflict(gold_task(yes, PASSAGES), OTHERS) is None
    assert in_conflict(gold_task(DESIGNER, PASSAGES), [DESIGNER]) is None
