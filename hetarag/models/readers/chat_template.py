"""From messages to token ids, so that no message can speak as another.

A chat template marks where a turn ends with control tokens such as `<|im_end|>`. Retrieved text may
hold their spelling; tokenised with the template's output it would end the turn. So the template is
rendered around placeholders, and the contents are tokenised apart, as plain text.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hetarag.errors import ModelError
from hetarag.text import encodable

Message = Mapping[str, str]


class Prompt(NamedTuple):
    """A prompt's ids; the first `stable` come before the last message, mostly the same each time."""

    ids: list[int]
    stable: int


class PromptEncoder:
    """Encodes conversations for one tokenizer of transformers; for one thread at a time."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        self._has_template = bool(getattr(tokenizer, "chat_template", None))

    def encode(self, messages: Sequence[Message]) -> Prompt:
        """Return the ids of the whole prompt, ready for the answer's first token."""
        if not self._has_template:
            return self._completion(messages)
        nonce = secrets.token_hex(8)
        marks = [f"\ue000{nonce}{index}\ue001" for index in range(len(messages))]
        rendered = self._render(messages, marks)
        ids: list[int] = []
        stable = 0
        for piece in re.split(f"(\ue000{nonce}[0-9]+\ue001)", rendered):
            if piece.startswith("\ue000" + nonce):
                stable = len(ids)
                ids += self._plain(messages[marks.index(piece)]["content"].strip())
            elif piece:
                ids += self._template(piece)
        return Prompt(ids, stable)

    def _render(self, messages: Sequence[Message], marks: Sequence[str]) -> str:
        turns = [
            {"role": m["role"], "content": mark} for m, mark in zip(messages, marks, strict=True)
        ]
        attempts = [turns, _without_system(turns)]
        reason: Exception | None = None
        for attempt in attempts:
            try:
                text = self._tokenizer.apply_chat_template(
                    attempt, tokenize=False, add_generation_prompt=True
                )
            except Exception as error:  # templates raise what they like
                reason = error
                continue
            if all(text.count(mark) == 1 for mark in marks):
                return str(text)
        raise ModelError(f"the model's chat template cannot show these messages: {reason}")

    def _completion(self, messages: Sequence[Message]) -> Prompt:
        """A base model has no turns: let it go on after the questions that are answered there."""
        ids = list(self._tokenizer("", add_special_tokens=True)["input_ids"])
        *before, last = [turn for turn in messages if turn["role"] != "system"]
        ends = {"user": " ", "assistant": "\n\n"}
        text = "".join(turn["content"].strip() + ends[turn["role"]] for turn in before)
        ids += self._plain(text)
        return Prompt(ids + self._plain(last["content"].strip()), len(ids))

    def _template(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _plain(self, text: str) -> list[int]:
        """Tokenise text in which nothing is a control token, however it is spelt."""
        text = encodable(text)
        if self._backend is None:
            for token in self._tokenizer.all_special_tokens:
                text = text.replace(token, " ")
            return self._template(text)
        before = self._backend.encode_special_tokens
        self._backend.encode_special_tokens = True
        try:
            return list(self._backend.encode(text, add_special_tokens=False).ids)
        finally:
            self._backend.encode_special_tokens = before


def _without_system(turns: Sequence[Message]) -> list[Message]:
    """Put the system's message before the first user's, for templates that know no system."""
    if not turns or turns[0]["role"] != "system" or len(turns) < 2:
        return list(turns)
    first = {**turns[1], "content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}
    return [first, *turns[2:]]
