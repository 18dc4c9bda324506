"""The contract of readers, on every entry of the table and on the double that other tests use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from hetarag.config import ModelSettings
from hetarag.models import make_reader
from hetarag.models.readers.factory import READERS
from hetarag.protocols import Reader
from hetarag.testing.doubles import ScriptedReader
from hetarag.testing.model_contracts import ReaderContract
from tests.servers.chat_endpoint import Server, chat_endpoint, delta, stream, url

WINDOW = 100_000
"""Characters that the endpoint's stand-in takes."""


def completions(server: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer as such endpoints do: as many tokens as are asked for, 400 for a prompt that is too long."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        body = server.requests[-1][2]
        if sum(len(message["content"]) for message in body["messages"]) > WINDOW:
            handler.send_response(400)
            handler.end_headers()
            said = {"error": {"message": "the prompt exceeds the context length"}}
            handler.wfile.write(json.dumps(said).encode())
            return
        words = [delta(f"word{number} ") for number in range(body["max_tokens"])]
        usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": len(words)}}
        stream(*words, usage, "[DONE]")(handler)

    return reply


def tiny(request: pytest.FixtureRequest) -> Reader:
    folder = request.getfixturevalue("reader_folder")
    return make_reader(ModelSettings(reader=f"local:{folder}", dtype="float32"))


def smollm2(_: pytest.FixtureRequest) -> Reader:
    return make_reader(ModelSettings(reader="local:smollm2-135m", dtype="float32"))


def endpoint(request: pytest.FixtureRequest) -> Reader:
    running = chat_endpoint()
    server = running.__enter__()
    request.addfinalizer(lambda: running.__exit__(None, None, None))
    server.reply = completions(server)
    return make_reader(ModelSettings(reader=f"endpoint:{url(server)}#words"))


OPENERS: dict[str, list[tuple[str, Callable[[pytest.FixtureRequest], Reader]]]] = {
    "local": [("tiny", tiny), ("smollm2", smollm2)],
    "endpoint": [("stand-in", endpoint)],
}
"""What there is to read with for each entry of the table."""
INSTALLED = {"smollm2": [pytest.mark.model, pytest.mark.slow]}
CASES = [
    pytest.param(opener, id=f"{name}-{case}", marks=INSTALLED.get(case, []))
    for name, cases in OPENERS.items()
    for case, opener in cases
]


class TestEveryReader(ReaderContract):
    @pytest.fixture(scope="class", params=CASES)
    @classmethod
    def reader(cls, request: pytest.FixtureRequest) -> Reader:
        reader: Reader = request.param(request)
        return reader


class TestScriptedReader(ReaderContract):
    @pytest.fixture
    def reader(self) -> Iterator[Reader]:
        yield ScriptedReader(*["a", "b", "c", "d", "e", "f"], decoders=("greedy", "lfd"))


def test_no_reader_is_left_out() -> None:
    own = {name for name in READERS.names() if name not in READERS.declared()}
    assert own == set(OPENERS)
