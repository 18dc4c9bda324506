"""How hetarag connects to a PostgreSQL or MariaDB server: the pool, and when a silent one is given up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL

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


def server_options(url: URL) -> dict[str, Any]:
    """Return the options of an SQLAlchemy engine for a server; what the address says goes first."""
    of_driver = _BY_DRIVER.get(url.get_driver_name(), {})
    given = {name: value for name, value in of_driver.items() if name not in url.query}
    return {**_POOL, "connect_args": given}
