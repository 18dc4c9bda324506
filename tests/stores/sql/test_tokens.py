"""Words of questions and of names as the SQL store takes them."""

from __future__ import annotations

import pytest

from hetarag.stores.sql.text_to_sql.tokens import name_stems, question_tokens, stem


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("ships of more than 1,250 tons", ["ships", "of", "more", "than", "1,250", "tons"]),
        ("a co-op of 3.5 km", ["a", "co", "op", "of", "3.5", "km"]),
        ("Scott's e-mail", ["scott", "e", "mail"]),
    ],
)
def test_a_number_is_one_token_and_a_hyphen_parts_two(question: str, found: list[str]) -> None:
    assert [token.text for token in question_tokens(question)] == found


def test_names_are_taken_apart() -> None:
    assert name_stems("Song_release_year") == name_stems("SongReleaseYear")
    assert name_stems("Length (m)") == (stem("lengths"),)
    assert name_stems("___") == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("countries", "country"), ("launched", "launch"), ("children", "child"), ("born", "birth")],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)
