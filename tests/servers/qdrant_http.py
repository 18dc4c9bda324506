"""Qdrant's REST interface in a process of its own, over the engine in Qdrant's client.

    python -m tests.servers.qdrant_http FOLDER PORT REFUSED [API_KEY]

A stand-in: no Qdrant server could be had where these tests are written. What it shows is the adapter's
and the client's way over HTTP (requests as the published models have them, ids, vectors, filters,
errors, deadlines, connections that break), not how a server behaves. Indexes are noted and not used.
While the file REFUSED is there and holds {status, error}, whatever writes is answered with that.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from qdrant_client import QdrantClient, models

VERSION = "1.0.0-stand-in"


class Engine:
    """The calls that the adapter makes, each from a request's body to a result's."""

    def __init__(self, folder: Path) -> None:
        self._client = QdrantClient(path=str(folder), force_disable_check_same_thread=True)
        self._indexes = folder / "indexes.json"
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Return the result; LookupError for a collection that is not there."""
        if path == "/":
            return None
        found = re.fullmatch(r"/collections/([^/]+)(/.*)?", path)
        if found is None:
            raise ValueError(f"no such place: {path}")
        name, call = found[1], (method, found[2] or "")
        with self._lock:
            there = self._client.collection_exists(name)
            if call == ("GET", "/exists"):
                return {"exists": there}
            if call not in self._CALLS:
                raise ValueError(f"no such call: {method} {path}")
            if not there and call != ("PUT", ""):
                raise LookupError(f"Not found: Collection `{name}` doesn't exist!")
            return self._CALLS[call](self, name, body)

    def _describe(self, name: str, _: Any) -> Any:
        found = json.loads(self._client.get_collection(name).model_dump_json())
        found["payload_schema"] = {
            field: {"data_type": kind, "points": 0} for field, kind in self._indexed(name).items()
        }
        return found

    def _create(self, name: str, body: Any) -> Any:
        if self._client.collection_exists(name):
            raise FileExistsError(f"Wrong input: Collection `{name}` already exists!")
        wanted = models.CreateCollection(**body)
        return self._client.create_collection(name, wanted.vectors)

    def _drop(self, name: str, _: Any) -> Any:
        self._note({k: v for k, v in self._noted().items() if k != name})
        return self._client.delete_collection(name)

    def _index(self, name: str, body: Any) -> Any:
        wanted = models.CreateFieldIndex(**body)
        own = self._indexed(name) | {wanted.field_name: models.PayloadSchemaType.KEYWORD.value}
        self._note(self._noted() | {name: own})
        return _done()

    def _upsert(self, name: str, body: Any) -> Any:
        self._client.upsert(name, models.PointsList(**body).points)
        return _done()

    def _delete(self, name: str, body: Any) -> Any:
        self._client.delete(name, models.PointIdsList(**body))
        return _done()

    def _retrieve(self, name: str, body: Any) -> Any:
        wanted = models.PointRequest(**body)
        return self._client.retrieve(
            name,
            wanted.ids,
            with_payload=wanted.with_payload or False,
            with_vectors=wanted.with_vector or False,
        )

    def _scroll(self, name: str, body: Any) -> Any:
        wanted = models.ScrollRequest(**body)
        points, after = self._client.scroll(
            name,
            limit=wanted.limit or 10,
            offset=wanted.offset,
            with_payload=wanted.with_payload or False,
        )
        return {"points": [_plain(point) for point in points], "next_page_offset": after}

    def _count(self, name: str, body: Any) -> Any:
        return self._client.count(name, models.CountRequest(**body).filter)

    def _query(self, name: str, body: Any) -> Any:
        wanted = models.QueryRequest(**body)
        return self._client.query_points(
            name,
            query=wanted.query,
            query_filter=wanted.filter,
            limit=wanted.limit or 10,
            with_payload=wanted.with_payload or False,
        )

    def _noted(self) -> dict[str, dict[str, str]]:
        known: dict[str, dict[str, str]] = {}
        return json.loads(self._indexes.read_text()) if self._indexes.exists() else known

    def _indexed(self, name: str) -> dict[str, str]:
        return self._noted().get(name, {})

    def _note(self, indexes: dict[str, dict[str, str]]) -> None:
        self._indexes.write_text(json.dumps(indexes))

    _CALLS: ClassVar[dict[tuple[str, str], Callable[[Engine, str, Any], Any]]] = {
        ("GET", ""): _describe,
        ("PUT", ""): _create,
        ("DELETE", ""): _drop,
        ("PUT", "/index"): _index,
        ("PUT", "/points"): _upsert,
        ("POST", "/points/delete"): _delete,
        ("POST", "/points"): _retrieve,
        ("POST", "/points/scroll"): _scroll,
        ("POST", "/points/count"): _count,
        ("POST", "/points/query"): _query,
    }


def _done() -> Any:
    return {"operation_id": 0, "status": "completed"}


def _plain(found: Any) -> Any:
    return json.loads(found.model_dump_json()) if hasattr(found, "model_dump_json") else found


def handler_of(engine: Engine, api_key: str | None, refused: Path) -> type[BaseHTTPRequestHandler]:
    """Return the handler of one server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else {}
            path = self.path.partition("?")[0]
            if api_key is not None and self.headers.get("api-key") != api_key:
                self._send(403, {"status": {"error": "Forbidden"}})
                return
            writes = self.command in ("PUT", "DELETE") or path.endswith("/points/delete")
            if writes and refused.exists():
                answer = json.loads(refused.read_text())
                self._send(answer["status"], {"status": {"error": answer["error"]}, "time": 0})
                return
            try:
                result = engine.answer(self.command, path, body)
            except LookupError as error:
                self._send(404, {"status": {"error": str(error)}, "time": 0})
            except FileExistsError as error:
                self._send(409, {"status": {"error": str(error)}, "time": 0})
            except Exception as error:
                self._send(400, {"status": {"error": f"Wrong input: {error}"}, "time": 0})
            else:
                shown = [_plain(r) for r in result] if isinstance(result, list) else _plain(result)
                about = {"title": "stand-in", "version": VERSION}
                self._send(
                    200, {"result": shown, "status": "ok", "time": 0} if path != "/" else about
                )

        def _send(self, status: int, content: Any) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


if __name__ == "__main__":
    place, number, refusal, *secret = sys.argv[1:]
    serving = handler_of(Engine(Path(place)), secret[0] if secret else None, Path(refusal))
    ThreadingHTTPServer(("127.0.0.1", int(number)), serving).serve_forever()
