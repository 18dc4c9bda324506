import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetarag.text import content_words, name_key, phrases, spaced, words


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("The Fram", "fram"),
        ("Thoralf Sørlle", "thoralf sørlle"),
        ("Gjøa", "gjøa"),
        ("  Eugène   GONIDEC ", "eugene gonidec"),
        ("Archer's", "archer"),
        ("Pourquoi-Pas?", "pourquoi pas"),
        ("the", "the"),
        ("!!!", ""),
        ("A", "a"),
    ],
)
def test_name_keys(name: str, key: str) -> None:
    assert name_key(name) == key


@given(st.text())
def test_a_key_is_its_own_key_but_for_articles(name: str) -> None:
    key = name_key(name)
    assert key == key.strip()
    assert name_key(key) in (key, key.partition(" ")[2]) or "'" not in name


def test_phrases_are_longest_first_and_placed() -> None:
    text = "Who built the Fram?"
    found = list(phrases(text, 3))
    assert [p.size for p in found] == sorted((p.size for p in found), reverse=True)
    assert {text[p.start : p.end] for p in found if p.size == 2} == {
        "Who built",
        "built the",
        "the Fram",
    }


def test_content_words_leave_out_stop_words() -> None:
    assert content_words("Who was the designer of the Fram?") == ["designer", "fram"]


def test_words_keep_inner_marks() -> None:
    assert [w.text for w in words("Scott's co-op, U.S.A. 3.5")] == [
        "Scott's",
        "co-op",
        "U.S.A",
        "3.5",
    ]


def test_signs_of_scripts_without_spaces_are_words() -> None:
    text = "谁设计了Fram号? カメラの前"
    assert [w.text for w in words(text)] == [*"谁设计了", "Fram", "号", "カメラ", "の", "前"]
    assert all(text[w.start : w.end] == w.text for w in words(text))
    assert "设计" in {phrase.key for phrase in phrases(text)}
    assert spaced(text).split() == [*"谁设计了", "Fram", "号", "?", "カメラ", "の", "前"]
    assert spaced("Thoralf Sørlle") == "Thoralf Sørlle"
