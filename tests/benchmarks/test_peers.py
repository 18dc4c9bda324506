"""Other frameworks' hybrid search, on a corpus small enough to know the answer."""

from __future__ import annotations

from benchmarks.peers import peers, run_searches
from hetarag.eval.datasets import Passage, Question
from hetarag.testing.doubles import HashingEmbedder

CORPUS = [
    Passage("fram", "Fram", "The Fram was designed by Colin Archer for polar work."),
    Passage("gauss", "Gauss", "The Gauss was built in Kiel and led by Drygalski."),
    Passage("belgica", "Belgica", "The Belgica wintered with Adrien de Gerlache in the ice."),
    Passage("rice", "", "Rice is grown in wet fields by farmers."),
]


def test_each_peer_finds_by_words_and_meaning(embedder: HashingEmbedder) -> None:
    asked = [
        Question("1", "Who designed the Fram for polar work?", (), frozenset({"fram"})),
        Question("2", "Who led the Gauss, built in Kiel?", (), frozenset({"gauss"})),
    ]
    found = run_searches(peers(CORPUS, embedder), asked)
    assert len(found) == 2
    for run in found:
        assert run.ranked["1"][0] == "fram", run.name
        assert run.ranked["2"][0] == "gauss", run.name
        assert len(run.seconds) == 2
