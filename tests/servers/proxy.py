"""A TCP proxy in front of a real server that makes it slow, silent or broken, or speaks TLS for it."""

from __future__ import annotations

import socket
import ssl
import struct
from threading import Event, Lock, Thread
from typing import Literal, Self
from urllib.parse import urlsplit

Mode = Literal["pass", "delay", "black-hole", "reset"]


class Proxy:
    """Listens on a port of this machine and passes all bytes on to `port`.

    `mode` may change at any time and holds for open connections too: "delay" holds every piece of an
    answer back for `seconds`, "black-hole" keeps connections and answers nothing, "reset" ends each
    with a TCP reset. With `tls` clients have to speak TLS, which the server behind it does not see.
    """

    def __init__(self, port: int, seconds: float = 30.0, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.mode: Mode = "pass"
        self._server_port = port
        self._seconds = seconds
        self._ended = Event()
        self._open: list[socket.socket] = []
        self._lock = Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def in_front_of(self, address: str) -> str:
        """Return an address of the server with this proxy's port in the place of its own."""
        return address.replace(f":{urlsplit(address).port}", f":{self.port}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._lock:
            for end in (self._listener, *self._open):
                end.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._tls is not None:
                    client = self._tls.wrap_socket(client, server_side=True)
            except OSError:
                continue  # a client that does not trust us
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                return
            with self._lock:
                self._open += [client, server]
            for source, target, answers in ((client, server, False), (server, client, True)):
                Thread(target=self._pump, args=(source, target, answers), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                if self.mode == "reset":
                    _reset(target if answers else source)
                    break
                if answers and self.mode == "delay":
                    self._ended.wait(self._seconds)
                if self.mode == "black-hole":
                    continue
                target.sendall(data)
        except OSError:
            pass  # the other direction has ended it
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def _reset(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()
