"""A reader behind an OpenAI-compatible endpoint for chat, read as a stream."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hetarag.config import redact
from hetarag.errors import ModelError
from hetarag.protocols import Reader
from hetarag.text import encodable
from hetarag.types import ReadTrace, TokenStep

if TYPE_CHECKING:
    import httpx

DECODER = "endpoint"
_NOTE = "decoded by the endpoint: layer fusion needs a local reader"
_SHOWN_ERROR = 300


class EndpointReader(Reader):
    """Reads through `{url}/chat/completions`; `url` usually ends in `/v1`.

    It decodes as it does, and the trace's note says so. `timeout` is how many seconds it may stay silent.
    """

    def __init__(
        self, url: str, model: str, api_key: str | None = None, *, timeout: float = 60.0
    ) -> None:
        base = url.rstrip("/").removesuffix("/chat/completions")
        self.name = f"{model} at {redact(base)}"
        self._url = base + "/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = timeout

    def decoders(self) -> Sequence[str]:
        """Return the one decoder there is: the endpoint's own."""
        return (DECODER,)

    def read(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        decoder: str,
        max_new_tokens: int,
        messages_without_context: Sequence[Mapping[str, str]] = (),  # noqa: ARG002
    ) -> Iterator[TokenStep | ReadTrace]:
        """Yield each piece of text as it arrives and, last, how it went."""
        if decoder != DECODER:
            raise ModelError(f"{self.name} has no decoder {decoder!r}; it has: {DECODER}")
        started = time.perf_counter()
        first = 0.0
        steps: list[TokenStep] = []
        usage: dict[str, Any] = {}
        for event in self._events(messages, max_new_tokens):
            usage = _mapping(event.get("usage")) or usage
            text = _text_of(event)
            if text:
                first = first or time.perf_counter() - started
                steps.append(TokenStep(text))
                yield steps[-1]
        yield ReadTrace(
            reader=self.name,
            decoder=DECODER,
            prompt_tokens=_count(usage.get("prompt_tokens"), 0),
            answer_tokens=_count(usage.get("completion_tokens"), len(steps)),
            first_token_seconds=first,
            seconds=time.perf_counter() - started,
            tokens=tuple(steps),
            note=_NOTE,
        )

    def _events(
        self, messages: Sequence[Mapping[str, str]], limit: int
    ) -> Iterator[dict[str, Any]]:
        """Yield the JSON objects of the endpoint's stream of server-sent events."""
        import httpx

        body = {
            "model": self._model,
            "messages": [{key: encodable(text) for key, text in m.items()} for m in messages],
            "max_tokens": limit,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        try:
            with (
                httpx.Client(timeout=self._timeout, headers=self._headers) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                self._check(response)
                yield from self._parse(response)
        except httpx.TimeoutException as error:
            raise ModelError(
                f"{self.name} was silent for {self._timeout:g} s: is it loaded, and can it be "
                f"reached?"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelError(
                f"{self.name} cannot be reached ({error or type(error).__name__}): check the "
                f"address in models.reader"
            ) from error

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        content = response.read().decode("utf-8", "replace")
        reason = _reason(content) or response.reason_phrase
        hints = {
            401: "check models.api_key",
            403: "check models.api_key",
            404: "check the model's name and that the address ends in /v1",
            429: "it has too much to do: try again later",
        }
        hint = hints.get(response.status_code, "see its own log")
        raise ModelError(f"{self.name} answered {response.status_code} ({reason}): {hint}")

    def _parse(self, response: httpx.Response) -> Iterator[dict[str, Any]]:
        seen = False
        for line in response.iter_lines():
            if not line.startswith("data:"):
                continue
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                return
            try:
                event = json.loads(data)
            except ValueError as error:
                raise ModelError(self._malformed(data)) from error
            if not isinstance(event, dict):
                raise ModelError(self._malformed(data))
            if "error" in event:
                raise ModelError(f"{self.name} broke off: {_reason(data)}")
            seen = True
            yield event
        if not seen:
            raise ModelError(self._malformed("no events"))

    def _malformed(self, data: str) -> str:
        return (
            f"{self.name} did not answer in the form of an OpenAI chat stream "
            f"({data[:_SHOWN_ERROR]!r}): check that the address is such an endpoint"
        )


def _text_of(event: Mapping[str, Any]) -> str:
    choices = event.get("choices")
    choice = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    content = _mapping(choice.get("delta")).get("content")
    return content if isinstance(content, str) else ""


def _reason(content: str) -> str:
    """Return the message in an error's body, whatever form it has."""
    try:
        raw = json.loads(content)
    except ValueError:
        return content.strip()[:_SHOWN_ERROR]
    error = raw.get("error", raw) if isinstance(raw, dict) else raw
    message = error.get("message", error) if isinstance(error, dict) else error
    return str(message)[:_SHOWN_ERROR]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise
