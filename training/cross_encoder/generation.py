"""A language model that goes on with many prompts that begin alike."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


class Writer:
    """A model and its tokenizer; `folder` as a reader is installed."""

    def __init__(self, folder: Path, device: str, batch: int) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        self._model: Any = model.to(device).eval()
        self._batch = batch
        torch.manual_seed(0)  # what it writes is sampled

    def written(self, first: str, prompts: Sequence[str], tokens: int) -> Iterator[tuple[int, str]]:
        """Yield the number of each prompt with what the model writes; `first` stands before all, read once."""
        read = self._tokenizer(first, return_tensors="pt").input_ids.to(self._model.device)
        with torch.no_grad():
            kept = self._model(read, use_cache=True).past_key_values
        order = sorted(range(len(prompts)), key=lambda n: len(prompts[n]))
        for at in range(0, len(order), self._batch):
            part = order[at : at + self._batch]
            rest = self._tokenizer([prompts[n] for n in part], return_tensors="pt", padding=True)
            rest = rest.to(self._model.device)
            begun = copy.deepcopy(kept)
            begun.batch_repeat_interleave(len(part))
            ids = torch.cat([read.expand(len(part), -1), rest.input_ids], 1)
            mask = torch.cat([torch.ones_like(ids[:, : read.shape[1]]), rest.attention_mask], 1)
            with torch.no_grad():
                out = self._model.generate(
                    input_ids=ids, attention_mask=mask, past_key_values=begun, do_sample=True,
                    max_new_tokens=tokens, temperature=0.6, top_k=30, top_p=1.0,
                    pad_token_id=self._tokenizer.eos_token_id,
                )  # fmt: skip
            words = self._tokenizer.batch_decode(out[:, ids.shape[1] :], skip_special_tokens=True)
            yield from zip(part, words, strict=True)
