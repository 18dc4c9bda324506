"""Compare many settings of layer fusion on the same questions, for the price of a few readings.

    python -m training.sweep_fusion DATA hotpotqa_dev_a 2wiki_dev:250 musique_dev_a \
        --evidence plane --limit 50 --kb runs/sweep-kb --out runs/sweep.jsonl

DATA holds folders with corpus.jsonl and questions.jsonl; `:250` takes the first 250 questions. Each
prompt is read once. Settings that have chosen the same tokens so far share their passes, so that a
question costs one generation for each different answer; a small reader is unsure so often that
--only, fewer settings, is needed. f is computed as greedy decoding does it, one
row at a time, and the layers beside it: what differs between two settings is their fusion alone.

A line per question goes to --out: {"id", "set", "evidence", "greedy": F1, NAME: F1, …, "answers": …}.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hetarag.answering.citations import check
from hetarag.answering.prompt import build
from hetarag.config import load_settings
from hetarag.decoding.confidence_gate import Unsure
from hetarag.decoding.families import stack_of
from hetarag.decoding.lfd import fuse_scores
from hetarag.decoding.scores import score
from hetarag.decoding.settings import LayerFusion
from hetarag.eval.datasets import read_corpus, read_questions
from hetarag.eval.metrics import answer_scores
from hetarag.eval.qa_tasks import Task, gold_tasks
from hetarag.eval.significance import paired
from hetarag.models.hub.install import resolve
from hetarag.models.readers.chat_template import PromptEncoder
from hetarag.models.readers.dtype import fastest_dtype
from training.json_lines import lines_of
from training.question_sets import Name, opened

GREEDY = "greedy"
LONGEST = 40  # tokens of an answer
LAYERS: dict[str, Any] = {"late": "late", "last": (-1,), "paper": "paper"}
WEIGHTS = (0.1, 0.25, 0.5, 1.0)
GATES = (0.2, 0.35, 0.5, 0.7)
TOPS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)


def grid(blocks: int, only: str = "") -> dict[str, LayerFusion]:
    """Return the settings that are compared, by a name that says what they are and matches `only`."""
    found = {}
    for (name, layers), weight, gate, top in itertools.product(
        LAYERS.items(), WEIGHTS, GATES, TOPS
    ):
        chosen = (blocks - 1,) if layers == (-1,) else layers
        setting = f"{name} w{weight} p{gate} top{top}"
        if re.search(only, setting):
            found[setting] = LayerFusion(
                candidates=chosen,
                fuse_normed=True,
                weight=weight,
                gate=Unsure(gate),
                relative_top=top,
            )
    return found


class Sweeper:
    """One model, all settings."""

    def __init__(self, name: str, only: str = "") -> None:
        import transformers

        settings = load_settings()
        folder = resolve(name, settings.models.cache, download=True)
        dtype = fastest_dtype(settings.models.cache / "number-type.json")
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype)
        ).eval()
        self.encoder = PromptEncoder(self.tokenizer)
        self.stack = stack_of(self.model)
        self.settings = grid(len(self.stack.blocks), only)
        self.layers = {n: s.layers(len(self.stack.blocks)) for n, s in self.settings.items()}
        self.watched = sorted({x for layers in self.layers.values() for x in layers})
        self.ends = {self.tokenizer.eos_token_id, *_ends(self.model)}
        self.prefix: tuple[list[int], Any] = ([], None)
        self.h: dict[int, Any] = {}
        self.r: dict[int, Any] = {}
        for layer in self.watched:
            block = self.stack.blocks[layer - 1]
            tap = getattr(block, self.stack.family.tap)
            block.register_forward_hook(lambda _m, _i, out, at=layer: self._keep(self.h, at, out))
            tap.register_forward_pre_hook(lambda _m, args, at=layer: self._keep(self.r, at, args))

    @staticmethod
    def _keep(into: dict[int, Any], layer: int, value: Any) -> None:
        tensor = value[0] if isinstance(value, tuple) else value
        into[layer] = tensor[:, -1].clone()

    def answers(self, messages: Sequence[Any]) -> dict[str, str]:
        """Return the text that each setting, and greedy, answers a prompt with."""
        ids, stable = self.encoder.encode(messages)
        with torch.inference_mode():
            if self.prefix[0] != ids[:stable]:  # instructions and examples: read once
                read = self.model(torch.tensor([ids[:stable]]), logits_to_keep=1)
                self.prefix = (ids[:stable], read.past_key_values)
            cache = copy.deepcopy(self.prefix[1])
            rest = torch.tensor([ids[stable:-1]])
            cache = self.model(rest, past_key_values=cache, logits_to_keep=1).past_key_values
            done: dict[str, str] = {}
            waiting: list[tuple[list[int], Any, Any, set[str]]] = [
                ([], ids[-1], cache, {GREEDY, *self.settings})
            ]
            while waiting:
                tokens, last, cache, names = waiting.pop()
                choices = self._step(last, cache, names)
                for number, (token, group) in enumerate(choices.items()):
                    grown = [*tokens, token]
                    text = str(self.tokenizer.decode(grown, skip_special_tokens=True))
                    if token in self.ends or "\n" in text.lstrip() or len(grown) == LONGEST:
                        done.update(dict.fromkeys(group, text.strip().partition("\n")[0]))
                    else:
                        own = cache if number == len(choices) - 1 else copy.deepcopy(cache)
                        waiting.append((grown, token, own, group))
        return done

    def _step(self, last: int, cache: Any, names: set[str]) -> dict[int, set[str]]:
        """Return the token that each of `names` chooses next, joined by token."""
        out = self.model(torch.tensor([[last]]), past_key_values=cache, logits_to_keep=1)
        f = torch.log_softmax(out.logits[:, -1], -1, dtype=torch.float32)
        best = int(f.argmax())
        sure = float(f.max().exp())
        # No setting keeps a token below this, and a pass over the vocabulary for each takes its time.
        kept = (f[0] >= f.max() + math.log(min(TOPS))).nonzero()[:, 0]
        chosen: dict[int, set[str]] = {best: set()}
        read: tuple[Any, Any] | None = None
        for name in names:
            fusion = self.settings.get(name)
            if fusion is None or sure >= fusion.gate.below:  # type: ignore[union-attr]
                chosen[best].add(name)
                continue
            read = read or self._read()
            g, iks = read
            at = [self.watched.index(x) for x in self.layers[name]]
            layer = at[int(iks[at].argmin())] if len(at) > 1 else at[0]
            fused = fuse_scores(f[:, kept], g[layer : layer + 1, kept], fusion)
            token = int(kept[fused.argmax()])
            chosen.setdefault(token, set()).add(name)
        return {token: group for token, group in chosen.items() if group}

    def _read(self) -> tuple[Any, Any]:
        """Return g of each watched layer, through the norm, and their scores."""
        h = self.stack.norm(torch.cat([self.h[x] for x in self.watched]))
        r = self.stack.norm(torch.cat([self.r[x] for x in self.watched]))
        logits = self.model.get_output_embeddings()(torch.cat([h, r]))
        p, q = logits.chunk(2)
        return torch.log_softmax(p, -1, dtype=torch.float32), score("paper", p, q)


def tasks(options: argparse.Namespace, name: str) -> Iterator[Task]:
    """Yield the questions of a set with what is read."""
    parsed = Name.of(name)
    folder = options.data / parsed.folder
    everything = read_questions(folder / "questions.jsonl")
    questions = parsed.taken(everything)
    step = max(1, len(questions) // options.limit)  # spread over the set
    questions = questions[::step][: options.limit]
    with opened(options.data, options.kb, parsed.folder) as rag:
        if options.evidence == "plane":
            for question in questions:
                found = list(rag.search(question.text, 10, access="all"))
                yield Task(question, tuple([e for e in found if e.kind != "table"][:5]))
            return
        passages = {p.id: p for p in read_corpus(folder / "corpus.jsonl")}
        yield from gold_tasks(
            questions,
            passages,
            lambda text, k: list(rag.search(text, k, access="all")),
            options.distractors,
            everything if options.conflict else None,
        )


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Return the settings, the best mean gain first, as text."""
    names = [name for name in lines[0]["f1"] if name != GREEDY]
    sets = list(dict.fromkeys(f"{line['set']} {line['evidence']}" for line in lines))
    rows = []
    for name in names:
        gaps = []
        for one in sets:
            own = [x["f1"] for x in lines if f"{x['set']} {x['evidence']}" == one]
            gaps.append(paired([x[name] for x in own], [x[GREEDY] for x in own]))
        every = paired([x["f1"][name] for x in lines], [x["f1"][GREEDY] for x in lines])
        flips = np.mean([x["answers"][name] != x["answers"][GREEDY] for x in lines])
        cells = " | ".join(gap.signed for gap in [*gaps, every])
        rows.append((every.mean, f"| {name} | {cells} | {flips:.1%} |"))
    rows.sort(reverse=True)
    head = f"| setting | {' | '.join([*sets, 'all'])} | answers changed |"
    return "\n".join([head, "|" + "---|" * (len(sets) + 3), *(row for _, row in rows)])


def main() -> None:
    """Read, score, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--reader", default="qwen2.5-coder-0.5b")
    parser.add_argument("--only", default="", help="a regular expression over names of settings")
    parser.add_argument("--evidence", choices=("plane", "gold"), default="plane")
    parser.add_argument("--distractors", type=int, default=0)
    parser.add_argument(
        "--conflict", action="store_true", help="with another answer in the evidence"
    )
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--kb", type=Path, default=Path("runs/sweep-kb"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.evidence == "plane" and (options.distractors or options.conflict):
        parser.error("--distractors and --conflict go with --evidence gold")
    torch.set_num_threads(options.threads)
    lines = lines_of(options.out) if options.out.is_file() else []
    known = {(line["id"], line["evidence"]) for line in lines}
    sweeper = Sweeper(options.reader, options.only)
    kind = options.evidence + (f"+{options.distractors}" if options.distractors else "")
    kind += "+conflict" if options.conflict else ""
    with options.out.open("a", encoding="utf-8") as file:
        for name in options.sets:
            for task in tasks(options, name):
                if (task.question.id, kind) in known:
                    continue
                answers = sweeper.answers(build(task.question.text, task.evidence))
                checked = {
                    text: check(task.question.text, text, task.evidence).text
                    for text in set(answers.values())
                }
                f1 = {
                    n: answer_scores(checked[text], task.question.answers)["f1"]
                    for n, text in answers.items()
                }
                line = {"id": task.question.id, "set": name, "evidence": kind, "f1": f1,
                        "answers": {n: checked[text] for n, text in answers.items()}}  # fmt: skip
                lines.append(line)
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
    print(table(lines))


def _ends(model: Any) -> set[int]:
    found = model.generation_config.eos_token_id
    return set(found) if isinstance(found, list | tuple) else {found}


if __name__ == "__main__":
    main()
