"""Have a language model write questions about names in passages: step 1 of 3 of training the cross-encoder.

    python -m training.cross_encoder.write_questions DATA hotpotqa_dev_a musique_dev_a 2wiki_dev:250 \
        --reader ~/.cache/hetarag/models/qwen2.5-coder-1.5b --device cuda --batch 1024 --out questions.jsonl

DATA holds folders with corpus.jsonl and questions.jsonl; `:250` leaves out the passages that answer any
question but the first 250. Each set is ingested once into --kb, for its names. A question either names the
passage's subject or another name in it, and is answered by anything in the passage ("free") or by a name
that leads to other passages ("link"). The model then answers each from its passage, and what it cannot answer
there is left out. A line per question: {"set", "id" of the passage, "name" it was asked about, "question",
"names" of the passage that stand in the question, "answer"}. For the shipped cross-encoder Qwen2.5-Coder-1.5B
was asked for 25,605, wrote 18,093 that could be used and could answer 15,818 of those, in four minutes of one H200.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

from sqlalchemy import text

from hetarag.text import whole_word_pattern
from training.cross_encoder.generation import Writer
from training.cross_encoder.passages import passages
from training.cross_encoder.wording import first_question
from training.json_lines import write
from training.question_sets import Name, opened

PASSAGES = (
    "Passage (Fram): Fram is a ship that was used in expeditions of the Arctic and Antarctic regions by the Norwegian "
    "explorers Fridtjof Nansen and Roald Amundsen. It was built in Larvik by Colin Archer.",
    "Passage (The Long Road): The Long Road is a 1932 drama film directed by John Miller and starring his wife Ann Lee. "
    "It was shot near Tucson.",
    "Passage (Larvik): Larvik is a town in Vestfold county, Norway. The municipality has 47,777 inhabitants. It was "
    "founded in 1671 by Ulrik Frederik Gyldenløve.",
)
LINK = (
    ("Fridtjof Nansen", "Fram", "Which ship did Fridtjof Nansen take to the Arctic?"),
    ("The Long Road", "John Miller", "Who directed The Long Road?"),
    ("Ulrik Frederik Gyldenløve", "1671", "In what year did Ulrik Frederik Gyldenløve establish Larvik?"),
)  # fmt: skip
FREE = (
    ("Fridtjof Nansen", "Fram", "Which ship did Fridtjof Nansen take to the Arctic?"),
    ("The Long Road", "Ann Lee", "The director of The Long Road was married to whom?"),
    ("Larvik", "47,777", "How many people live in Larvik?"),
)
EXAMPLES = {"Fram", "Larvik", "Nansen"}  # what a model copies when it does not know what to ask
NO_LINKS = {"DATE", "TIME", "CARDINAL", "ORDINAL", "PERCENT", "QUANTITY", "MONEY", "LANGUAGE", "NORP"}  # fmt: skip
MOST = 60  # passages: a name that more of them share leads nowhere in particular
LONGEST, SHORTEST, SENTENCE = 520, 160, 260  # characters of a passage and of a sentence
QUESTION, ANSWER = 28, 10  # tokens
KEPT = ("set", "id", "name", "question", "names")  # of a line, beside its answer

NAMES = text(
    "SELECT documents.name, entities.name, mentions.label, mentions.entity FROM mentions"
    " JOIN entities ON entities.number = mentions.entity JOIN chunks ON chunks.number = mentions.chunk"
    " JOIN versions ON versions.generation = chunks.generation"
    " JOIN documents ON documents.live = versions.generation ORDER BY mentions.number"
)


def prompts(data: Path, sets: list[str], kb: Path) -> Iterator[dict[str, Any]]:
    """Yield what is to be asked: a passage, a name in it, and the answer where it is to be a name."""
    for name in sets:
        folder = Name.of(name).folder
        mentions: dict[str, list[tuple[str, int]]] = defaultdict(list)
        where: dict[int, set[str]] = defaultdict(set)
        with opened(data, kb, name) as rag, rag._parts.ledger.reading() as connection:
            for document, entity, label, number in connection.execute(NAMES):
                where[number].add(document)
                if label not in NO_LINKS:
                    mentions[document].append((entity, number))
        for passage in passages(data, name):
            shared = [n for n, e in mentions[passage["id"]] if 2 <= len(where[e]) <= MOST]
            yield from _about(folder, passage, shared)


def _about(folder: str, passage: dict[str, Any], shared: list[str]) -> Iterator[dict[str, Any]]:
    title = re.sub(r"\s*\(.*\)$", "", passage["title"])
    links = [
        n
        for n in dict.fromkeys(shared)
        if n in passage["text"] and len(n) > 2 and not n.islower()
        and n.lower() not in title.lower() and title.lower() not in n.lower()
    ]  # fmt: skip
    random.shuffle(links)
    sentences = [s[:SENTENCE] for s in re.split(r"(?<=[.!?])\s+", passage["text"])]
    free = [(title, [at]) for at in random.sample(range(len(sentences)), min(4, len(sentences)))]
    free += [(name, _with(sentences, name)) for name in links[:4]]
    pairs = [(title, name) for name in links[:6]]
    pairs += random.sample(list(permutations(links[:4], 2)), min(5, len(links[:4]) * (len(links[:4]) - 1)))  # fmt: skip
    link = [(one, other, _with(sentences, one, other)) for one, other in pairs]
    wanted: set[tuple[str, str | None, str]] = set()
    for named, answer, kept in [*((n, None, k) for n, k in free), *link]:
        shown = sorted({0, *kept})[:3]
        for at in range(len(sentences)):  # a short text says little of anything: neighbours join it
            if sum(len(sentences[n]) for n in shown) < SHORTEST and at not in shown:
                shown = sorted([*shown, at])
        words = " ".join(sentences[at] for at in shown)
        fits = answer is None or answer in words[:LONGEST]
        if fits and (named, answer, words) not in wanted:
            wanted.add((named, answer, words))
            yield {"set": folder, "id": passage["id"], "title": title, "text": words[:LONGEST],
                   "kind": "free" if answer is None else "link", "name": named, "answer": answer}  # fmt: skip


def _with(sentences: list[str], *names: str) -> list[int]:
    """Return the numbers of the sentences that have one of the names."""
    return [at for at, sentence in enumerate(sentences) if any(name in sentence for name in names)]


def examples(link: bool) -> str:
    """Return how the prompts begin that ask for a question of this kind."""
    shown = []
    for passage, (named, answer, question) in zip(PASSAGES, LINK if link else FREE, strict=True):
        parts = [f"Question: {question}", f"Answer: {answer}"]
        shown.append("\n".join([passage, f"Name: {named}", *(parts[::-1] if link else parts)]))
    return "\n\n".join([*shown, ""])


def prompt(wanted: dict[str, Any]) -> str:
    """Return what a prompt goes on with: the passage, the name, and the answer if that is given."""
    asked = [f"Passage ({wanted['title']}): {wanted['text']}", f"Name: {wanted['name']}"]
    asked += [f"Answer: {wanted['answer']}"] if wanted["kind"] == "link" else []
    return "\n".join([*asked, "Question:"])


def asked(writer: Writer, wanted: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each with what the model writes."""
    for link in (False, True):
        alike = [w for w in wanted if (w["kind"] == "link") == link]
        tokens = QUESTION if link else QUESTION + ANSWER
        for number, words in writer.written(examples(link), [prompt(w) for w in alike], tokens):
            yield alike[number], words


def kept(
    wanted: Sequence[dict[str, Any]], written: Iterable[tuple[dict[str, Any], str]]
) -> list[dict[str, Any]]:
    """Return what is kept of the written questions, each with what was wanted."""
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in wanted:
        named[one["set"], one["id"]] |= {n for n in (one["title"], one["name"], one["answer"]) if n}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one, words in written:
        question, answer = usable(one, words) or ("", "")
        inside = [n for n in named[one["set"], one["id"]] if whole_word_pattern(n).search(question)]
        longest = [n for n in inside if not any(n != m and n.lower() in m.lower() for m in inside)]
        if question:
            line = one | {"question": question, "answer": answer, "names": sorted(longest)}
            found.setdefault((one["set"], question.lower()), line)
    return list(found.values())


def answered(writer: Writer, lines: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the questions that the model answers from their passage, with that answer.

    Asked for a question that a name answers, it often writes another one about it.
    """
    shown = "\n\n".join(
        f"{passage}\nQuestion: {question}\nAnswer: {answer}"
        for told in (LINK, FREE)
        for passage, (_, answer, question) in zip(PASSAGES, told, strict=True)
    )
    asked = [
        f"Passage ({q['title']}): {q['text']}\nQuestion: {q['question']}\nAnswer:" for q in lines
    ]
    for number, words in writer.written(f"{shown}\n\n", asked, ANSWER):
        line = lines[number]
        answer = words.strip().split("\n")[0].strip().rstrip(".")
        if line["answer"].lower() in answer.lower():
            answer = line["answer"]
        fits = answer and answer.lower() in line["text"].lower()
        if fits and answer.lower() not in line["question"].lower():
            yield {k: line[k] for k in KEPT} | {"answer": answer}


def usable(wanted: dict[str, Any], written: str) -> tuple[str, str] | None:
    """Return question and answer if that is what was written, and the passage holds the answer."""
    question = first_question(written)
    told = re.search(r"\nAnswer:\s*([^\n]+)", written)
    answer = wanted["answer"] or (told[1].strip().rstrip(".") if told else "")
    fits = question.endswith("?") and 15 <= len(question) <= 160
    copied = any(name in question for name in EXAMPLES) or "passage" in question.lower()
    known = answer.lower() in wanted["text"].lower() and answer.lower() not in question.lower()
    return (question, answer) if fits and not copied and answer and known else None


def main() -> None:
    """Ask for every question, keep those that can be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--kb", type=Path, default=Path("runs/cross-encoder"))
    parser.add_argument("--reader", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random.seed(3)
    writer = Writer(options.reader, options.device, options.batch)
    wanted = list(prompts(options.data, options.sets, options.kb))
    random.shuffle(wanted)
    wanted = wanted[: options.limit]
    lines = kept(wanted, asked(writer, wanted))
    told = list(answered(writer, lines))
    write(options.out, told)
    print(f"{len(wanted)} asked, {len(lines)} written, {len(told)} kept")


if __name__ == "__main__":
    main()
