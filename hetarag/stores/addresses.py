"""Addresses of servers: one URL says where a server is, who asks, and what is special about it.

    scheme://user:password@host:port,host:port/path?setting=value&setting=value

User, password and values may be percent-encoded, and must be where they hold a character that ends
them. Messages never show an address: they show its hosts, and secrets come out of `ServerAddress`
only to be handed to a driver.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from hetarag.config import redact
from hetarag.errors import ConfigError
from hetarag.types import StoreKind

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SECRET = ("api_key",)
_ENCODE = "write / as %2F, ? as %3F, # as %23 and @ as %40 in names and passwords"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """An address, taken apart; `hosts` are (host, port), `path` has no slash at its ends."""

    kind: StoreKind
    scheme: str
    hosts: tuple[tuple[str, int], ...]
    path: str = ""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def where(self) -> str:
        """The hosts as messages show them."""
        return ", ".join(f"{host}:{port}" for host, port in self.hosts)

    @property
    def setting(self) -> str:
        """The name of the setting that holds the address."""
        return f"stores.{self.kind}"

    def wrong(self, reason: str) -> ConfigError:
        """Return the error for an address that cannot be used."""
        return ConfigError(f"setting {self.setting}: {reason}")

    def text(self, name: str) -> str | None:
        """Return a value, None where it is left out or empty."""
        return self.values.get(name) or None

    def flag(self, name: str, default: bool) -> bool:
        """Return a value that is true or false."""
        value = self.values.get(name, str(default)).lower()
        if value not in ("true", "false"):
            raise self.wrong(f"{name} in the address is true or false")
        return value == "true"

    def number(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number, None where it is left out."""
        value = self.values.get(name)
        if value is None:
            return None
        if not re.fullmatch(r"\d{1,9}", value) or not least <= int(value) <= most:
            raise self.wrong(f"{name} in the address is a whole number from {least} to {most}")
        return int(value)

    def file(self, name: str) -> str | None:
        """Return the path of a file that is there, None where it is left out."""
        value = self.text(name)
        if value is not None and not Path(value).is_file():
            raise self.wrong(f"{name} in the address names no file: {value}")
        return value

    def prefixed(self, prefix: str) -> str:
        """Return what the names of everything made on the server begin with."""
        own = self.text("prefix")
        if own is not None and not _PREFIX.fullmatch(own):
            raise self.wrong(
                "prefix in the address is 1 to 64 of a-z, 0-9, - and _, the first a letter or digit"
            )
        return f"{own}-{prefix}" if own else prefix

    def safe(self, text: str) -> str:
        """Return `text` without the secrets of this address."""
        secrets = [self.password, *(self.values.get(name) for name in _SECRET)]
        for secret in filter(None, secrets):
            text = text.replace(secret, "***")
        return redact(text)


def parse(kind: StoreKind, address: str, port: int, known: Collection[str]) -> ServerAddress:
    """Take an address apart; `port` is the one of hosts without, `known` the settings it may have.

    Raises:
        ConfigError: a part is missing or malformed, or a setting is unknown or given twice.
    """
    scheme, _, rest = address.partition("://")
    rest, _, query = rest.partition("?")
    place, _, path = rest.partition("/")
    login, _, names = place.rpartition("@")
    user, _, password = login.partition(":")
    bare = ServerAddress(kind, scheme.lower(), ())
    if "#" in address or "@" in path:
        raise bare.wrong(f"the address cannot be read; {_ENCODE}")
    hosts = []
    for name in names.split(",") if names else ():
        match = _HOST.fullmatch(name.strip())
        if match is None or not 0 < int(match[2] or port) < 65536:
            raise bare.wrong(f"the address has no host and port where they belong; {_ENCODE}")
        hosts.append((match[1], int(match[2] or port)))
    values = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name not in known:
            raise bare.wrong(f"unknown {name!r} in the address; known: {', '.join(sorted(known))}")
        if name in values:
            raise bare.wrong(f"{name} is twice in the address")
        values[name] = unquote(value)
    return ServerAddress(
        kind,
        scheme.lower(),
        tuple(hosts),
        unquote(path).strip("/"),
        unquote(user) or None,
        unquote(password) or None,
        values,
    )
