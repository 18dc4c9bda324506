"""How hetarag connects to PostgreSQL or MariaDB: the pool, when a silent server is given up, which are too old."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Dialect

_POOL = {"pool_size": 8, "max_overflow": 24, "pool_pre_ping": True, "pool_recycle": 1800}

# A host that is gone answers nothing, and without these a read waits for it for hours. One that is
# alive and slow is waited for.
_LIBPQ = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_MYSQL = {"connect_timeout": 10}
_BY_DRIVER = {"psycopg": _LIBPQ, "psycopg2": _LIBPQ, "pymysql": _MYSQL, "mysqldb": _MYSQL}

# What several processes write is claimed with SKIP LOCKED, and the drivers have limits of their own.
OLDEST = {"postgresql": (10, 0), "mariadb": (10, 6), "mysql": (8, 0)}


def too_old(dialect: Dialect) -> str:
    """Say why the server, to which a connection was made, cannot be used; empty where it can."""
    name = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
    version, oldest = dialect.server_version_info or (), OLDEST.get(name)
    if oldest is None or not version or tuple(version[:2]) >= oldest:
        return ""
    return (
        f"the server is {name} {'.'.join(map(str, version))}, and the oldest that can be used is "
        f"{'.'.join(map(str, oldest))}; use a newer server"
    )


def server_options(url: URL) -> dict[str, Any]:
    """Return the options of an SQLAlchemy engine for a server; what the address says goes first."""
    of_driver = _BY_DRIVER.get(url.get_driver_name(), {})
    given = {name: value for name, value in of_driver.items() if name not in url.query}
    return {**_POOL, "connect_args": given}
