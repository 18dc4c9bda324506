"""A reader behind HTTP, against a server on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hetarag.config import ModelSettings
from hetarag.errors import ModelError
from hetarag.models.readers.endpoint import EndpointReader
from hetarag.models.readers.factory import make_reader
from hetarag.types import ReadTrace, TokenStep
from tests.servers.chat_endpoint import Server, chat_endpoint, delta, stream, url

MESSAGES = [{"role": "user", "content": "Which city?"}]


@pytest.fixture
def server() -> Iterator[Server]:
    with chat_endpoint() as running:
        yield running


def read(server: Server, **options: Any) -> list[TokenStep | ReadTrace]:
    reader = EndpointReader(url(server), "some-model", "secret", **options)
    return list(reader.read(MESSAGES, decoder="endpoint", max_new_tokens=9))


def test_pieces_come_as_they_are_sent(server: Server) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3}}
    first = {"choices": [{"delta": {"role": "assistant"}}]}
    server.reply = stream(first, delta("Os"), delta("lo é"), delta(None), usage, "[DONE]", "junk")
    *steps, trace = read(server)
    assert steps == [TokenStep("Os"), TokenStep("lo é")]
    assert isinstance(trace, ReadTrace)
    assert (trace.prompt_tokens, trace.answer_tokens) == (11, 3)
    assert trace.decoder == "endpoint"
    assert trace.note is not None
    assert "layer fusion needs a local reader" in trace.note
    assert 0 < trace.first_token_seconds <= trace.seconds
    ((path, headers, body),) = server.requests
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer secret"
    assert body["messages"] == MESSAGES
    assert (body["model"], body["max_tokens"], body["stream"]) == ("some-model", 9, True)


def test_without_usage_the_pieces_are_counted(server: Server) -> None:
    server.reply = stream(delta("a"), delta("b"))
    trace = read(server)[-1]
    assert isinstance(trace, ReadTrace)
    assert trace.answer_tokens == 2


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, {"error": {"message": "bad key"}}, r"answered 401 \(bad key\): check models.api_key"),
        (404, {"detail": "no such model"}, "answered 404 .*check the model's name"),
        (429, "slow down", r"answered 429 \(.*slow down.*\): it has too much"),
        (500, "", r"answered 500 \(.*\): see its own log"),
    ],
)
def test_a_refusal_says_what_to_do(server: Server, status: int, body: object, says: str) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

    server.reply = reply
    with pytest.raises(ModelError, match=says) as caught:
        read(server)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "events", [("{not json",), ("[1]",), (), ('"text"',)], ids=["broken", "list", "none", "text"]
)
def test_another_form_is_named(server: Server, events: tuple[str, ...]) -> None:
    server.reply = stream(*events)
    with pytest.raises(ModelError, match="did not answer in the form of an OpenAI chat stream"):
        read(server)


def test_an_error_in_the_stream_is_passed_on(server: Server) -> None:
    server.reply = stream(delta("Os"), {"error": {"message": "out of memory"}})
    with pytest.raises(ModelError, match="broke off: out of memory"):
        read(server)


def test_odd_events_are_no_text(server: Server) -> None:
    server.reply = stream({"choices": None}, {"choices": [3]}, {"choices": [{"delta": 1}]}, {})
    (trace,) = read(server)
    assert isinstance(trace, ReadTrace)
    assert trace.answer_tokens == 0


def test_silence_ends(server: Server) -> None:
    server.reply = lambda _: time.sleep(0.5)
    with pytest.raises(ModelError, match=r"was silent for 0.1 s"):
        read(server, timeout=0.1)


def test_a_cut_connection_is_an_error(server: Server) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b"data: {}\n\n")

    server.reply = reply
    with pytest.raises(ModelError, match="cannot be reached"):
        read(server)


def test_nobody_there() -> None:
    reader = EndpointReader("http://user:word@127.0.0.1:9/v1", "m")
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        list(reader.read(MESSAGES, decoder="endpoint", max_new_tokens=1))
    assert "word" not in str(caught.value)


def test_settings_make_an_endpoint() -> None:
    made = make_reader(ModelSettings(reader="http://127.0.0.1:9/v1#org/model", api_key="k"))
    assert made.name == "org/model at http://127.0.0.1:9/v1"
    assert made.decoders() == ("endpoint",)
    with pytest.raises(ModelError, match="does not say which model"):
        make_reader(ModelSettings(reader="http://127.0.0.1:9/v1"))
