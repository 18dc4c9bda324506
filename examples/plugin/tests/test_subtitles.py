"""The contract of loaders, and what this loader reads."""

from __future__ import annotations

import pytest
from hetarag_plugin_example.subtitles import SRT, parse

from hetarag.testing.loader_contract import LoaderContract, LoaderUnderTest, Sample

TALK = """1
00:00:01,000 --> 00:00:03,000
The <i>Fram</i> was built
in Larvik.

2
00:00:03,500 --> 00:00:05,000
{\\an8}Colin Archer drew her.

3
00:01:00,000 --> 00:01:02,000
1893
"""


class TestSubtitles(LoaderContract):
    @pytest.fixture
    def loader_under_test(self) -> LoaderUnderTest:
        samples = [Sample(TALK.encode(), ("Colin Archer",)), Sample(TALK.encode("utf-16"))]
        return LoaderUnderTest(SRT, samples)


def test_a_pause_ends_a_paragraph() -> None:
    found = parse(TALK.encode())
    assert found.text == "The Fram was built in Larvik. Colin Archer drew her.\n\n1893"
    assert found.metadata == {"seconds": 62}


def test_a_file_without_subtitles_says_what_they_look_like() -> None:
    with pytest.raises(ValueError, match="00:00:01,000 --> 00:00:02,500"):
        parse(b"just words")
