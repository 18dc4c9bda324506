"""Connecting to the ledger's database and bringing its schema up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from hetarag.config import redact
from hetarag.errors import ConfigError, LedgerError
from hetarag.ledger import schema
from hetarag.ledger.dialects import migrating, prepare
from hetarag.sql_servers import server_options, too_old
from hetarag.store_settings import EMBEDDED

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
# The newest revision in migrations/versions. A ledger that is already there needs no Alembic, whose
# import takes a third of a cold search; a test holds this against the folder.
HEAD = "0003"


def connect(url: str, folder: Path) -> Engine:
    """Return an engine on the ledger at `url` ("embedded": SQLite in `folder`), schema current.

    Raises:
        ConfigError: the URL is not one that SQLAlchemy can use.
        LedgerError: the database does not answer, or is not a ledger of hetarag.
    """
    address = f"sqlite:///{folder / 'ledger.db'}" if url == EMBEDDED else url
    try:
        parsed = make_url(address)
        options = {} if parsed.get_backend_name() == "sqlite" else server_options(parsed)
        engine = create_engine(parsed, poolclass=QueuePool, **options)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            f"setting 'ledger.url': {redact(url)!r} cannot be used: {error}; give \"embedded\" or "
            "an SQLAlchemy URL such as postgresql+psycopg://user:password@host/database (its "
            "driver comes with pip install 'hetarag[servers]')"
        ) from error
    prepare(engine)
    try:
        _migrate(engine)
    except SQLAlchemyError as error:
        raise LedgerError(
            f"the ledger at {redact(address)} cannot be used: {redact(str(error.args[0]))}; check "
            "the setting 'ledger.url', and that the file or database is a ledger of hetarag"
        ) from error
    return engine


def _migrate(engine: Engine) -> None:
    if _is_current(engine):
        return
    with migrating(engine):
        if not _is_current(engine):  # another process may have been first
            _upgrade(engine)


def _is_current(engine: Engine) -> bool:
    tables = set(inspect(engine).get_table_names())
    if reason := too_old(engine.dialect):
        where = redact(engine.url.render_as_string(hide_password=True))
        raise LedgerError(f"the ledger at {where}: {reason}, or another 'ledger.url'")
    if "alembic_version" in tables:
        with engine.connect().execution_options(reading=True) as connection:
            row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        if row is not None and row[0] > HEAD:
            raise LedgerError(
                f"the ledger has schema {row[0]}, this version of hetarag knows {HEAD}: "
                "use a newer hetarag"
            )
        return row is not None and bool(row[0] == HEAD)
    if tables & set(schema.metadata.tables):
        taken = ", ".join(sorted(tables & set(schema.metadata.tables)))
        raise LedgerError(
            f"the database for the ledger already has tables of other making ({taken}): give "
            "hetarag a database of its own"
        )
    return False


def _upgrade(engine: Engine) -> None:
    from alembic import command

    command.upgrade(migrations(engine), "head")


def migrations(engine: Engine) -> Config:
    """Return what Alembic's commands need to change the schema behind `engine`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config
