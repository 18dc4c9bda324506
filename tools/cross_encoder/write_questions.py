"""Have a language model write questions about names in passages: step 1 of 3 of training the cross-encoder.

    python tools/cross_encoder/write_questions.py DATA hotpotqa_dev_a musique_dev_a 2wiki_dev:250 \
        --reader ~/.cache/hetarag/models/qwen2.5-coder-1.5b --device cuda --batch 1024 --out questions.jsonl

DATA holds folders with corpus.jsonl and questions.jsonl; `:250` leaves out the passages that answer any
question but the first 250. Each set is ingested once into --kb, for its names. A question either names the
passage's subject or another name in it, and is answered by anything in the passage ("free") or by a name
that leads to other passages ("link"). A line per question: {"set", "id", "kind", "name", "answer",
"question", "names"}, `names` being those of the passage that stand in the question. The shipped cross-encoder
was taught by 23,549, written by Qwen2.5-Coder-1.5B in two minutes of one H200.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from sqlalchemy import text
from transformers import AutoModelForCausalLM, AutoTokenizer

from hetarag import HetaRAG

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
MOST = 30  # passages: a name that more of them share leads nowhere in particular
LONGEST = 520  # characters of a passage

NAMES = text(
    "SELECT documents.name, entities.name, mentions.label, mentions.entity FROM mentions"
    " JOIN entities ON entities.number = mentions.entity JOIN chunks ON chunks.number = mentions.chunk"
    " JOIN versions ON versions.generation = chunks.generation"
    " JOIN documents ON documents.live = versions.generation ORDER BY mentions.number"
)


def prompts(data: Path, sets: list[str], kb: Path) -> Iterator[dict[str, Any]]:
    """Yield what is to be asked: a passage, a name in it, and the answer where it is to be a name."""
    for name in sets:
        folder, _, count = name.partition(":")
        held: set[str] = set()
        if count:
            lines = (data / folder / "questions.jsonl").read_text("utf-8").splitlines()
            held = {i for line in lines[int(count) :] for i in json.loads(line)["supporting_ids"]}
        mentions: dict[str, list[tuple[str, int]]] = defaultdict(list)
        where: dict[int, set[str]] = defaultdict(set)
        with HetaRAG.open(kb / folder) as rag:
            rag.ingest([data / folder / "corpus.jsonl"])
            with rag._ledger.reading() as connection:
                for document, entity, label, number in connection.execute(NAMES):
                    where[number].add(document)
                    if label not in NO_LINKS:
                        mentions[document].append((entity, number))
        for line in (data / folder / "corpus.jsonl").read_text("utf-8").splitlines():
            passage = json.loads(line)
            if passage["id"] not in held:
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
    wanted = [(title, None), *((n, None) for n in links[:2]), *((title, n) for n in links[:3])]
    if len(links) > 1:
        wanted += [(links[0], links[1]), (links[1], links[0])]
    for named, answer in wanted:
        sentences = re.split(r"(?<=[.!?])\s+", passage["text"])
        needed = [n for n in (named, answer) if n]
        kept = [s for at, s in enumerate(sentences) if at == 0 or any(n in s for n in needed)]
        words = " ".join(s[:260] for s in kept[:3])
        words = words if len(words) >= 160 else " ".join(s[:260] for s in sentences[:3])
        if answer is None or answer in words:
            yield {"set": folder, "id": passage["id"], "title": title, "text": words[:LONGEST],
                   "kind": "free" if answer is None else "link", "name": named, "answer": answer}  # fmt: skip


def prompt(wanted: dict[str, Any]) -> str:
    """Return the prompt for one question: three examples and the passage."""
    link = wanted["kind"] == "link"
    shown = []
    for passage, (named, answer, question) in zip(PASSAGES, LINK if link else FREE, strict=True):
        parts = [f"Question: {question}", f"Answer: {answer}"]
        shown.append("\n".join([passage, f"Name: {named}", *(parts[::-1] if link else parts)]))
    asked = [f"Passage ({wanted['title']}): {wanted['text']}", f"Name: {wanted['name']}"]
    asked += [f"Answer: {wanted['answer']}"] if link else []
    return "\n\n".join([*shown, "\n".join([*asked, "Question:"])])


def usable(wanted: dict[str, Any], written: str) -> tuple[str, str] | None:
    """Return question and answer if that is what was written, and the passage holds the answer."""
    question = re.split(r"(?<=\?)", written.strip().split("\n")[0])[0].strip().strip('"')
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
    parser.add_argument("--reader", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random.seed(3)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(options.reader, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(options.reader, dtype=torch.bfloat16)
    model = model.to(options.device).eval()
    wanted = list(prompts(options.data, options.sets, options.kb))
    random.shuffle(wanted)
    wanted = sorted(wanted[: options.limit], key=lambda w: len(prompt(w)))
    named = defaultdict(set)
    for one in wanted:
        named[one["set"], one["id"]] |= {n for n in (one["title"], one["name"], one["answer"]) if n}
    seen: set[tuple[str, str]] = set()
    with options.out.open("w", encoding="utf-8") as file:
        for at in range(0, len(wanted), options.batch):
            part = wanted[at : at + options.batch]
            inputs = tokenizer([prompt(w) for w in part], return_tensors="pt", padding=True)
            with torch.no_grad():
                tokens = model.generate(
                    **inputs.to(options.device), max_new_tokens=30, do_sample=True,
                    temperature=0.6, top_k=30, top_p=1.0, pad_token_id=tokenizer.eos_token_id,
                )  # fmt: skip
            written = tokenizer.batch_decode(
                tokens[:, inputs.input_ids.shape[1] :], skip_special_tokens=True
            )
            for one, words in zip(part, written, strict=True):
                found = usable(one, words)
                if found is None or (one["set"], found[0].lower()) in seen:
                    continue
                seen.add((one["set"], found[0].lower()))
                inside = [n for n in named[one["set"], one["id"]] if n.lower() in found[0].lower()]
                longest = [n for n in inside if not any(n != m and n.lower() in m.lower() for m in inside)]  # fmt: skip
                line = {k: one[k] for k in ("set", "id", "kind", "name")}
                line |= {"question": found[0], "answer": found[1], "names": sorted(longest)}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            print(
                f"{min(at + options.batch, len(wanted))} of {len(wanted)} asked, {len(seen)} kept"
            )


if __name__ == "__main__":
    main()
