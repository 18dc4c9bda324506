"""A stand-in for an OpenAI-compatible endpoint: it answers what a test says, as a stream of events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """Answers each request with what `reply` says, and keeps the requests."""

    daemon_threads = True
    requests: list[tuple[str, dict[str, str], dict[str, Any]]]
    reply: Callable[[BaseHTTPRequestHandler], None]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {k.lower(): v for k, v in self.headers.items()}
        server.requests.append((self.path, headers, json.loads(body)))
        server.reply(self)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def chat_endpoint() -> Iterator[Server]:
    """Run a server for a block; its `reply` is still to be set."""
    made = Server(("127.0.0.1", 0), Handler)
    made.requests = []
    thread = threading.Thread(
        target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def stream(*events: object, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-type", "text/event-stream")
        handler.end_headers()
        for event in events:
            data = event if isinstance(event, str) else json.dumps(event)
            handler.wfile.write(f"data: {data}\n\n".encode())

    return reply


def delta(text: str | None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}}]}


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/v1"
