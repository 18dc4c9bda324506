from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from hetarag.errors import ConfigError, LedgerError
from hetarag.ledger.database import HEAD, MIGRATIONS, connect, migrations
from hetarag.ledger.schema import metadata
from hetarag.store_settings import EMBEDDED


def test_migrations_make_the_tables_of_the_schema(tmp_path: Path) -> None:
    engine = connect(EMBEDDED, tmp_path)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_migrations_can_be_undone(tmp_path: Path) -> None:
    engine = connect(EMBEDDED, tmp_path)
    command.downgrade(migrations(engine), "base")
    with engine.connect() as connection:
        left = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        assert {name for (name,) in left} <= {"alembic_version", "sqlite_sequence"}


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE documents (x INTEGER)"))
    with pytest.raises(LedgerError, match="tables of other making \\(documents\\)"):
        connect(EMBEDDED, tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(LedgerError, match=r"cannot be used: .*check the setting 'ledger.url'"):
        connect(EMBEDDED, tmp_path)


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    engine = connect(EMBEDDED, tmp_path)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="use a newer hetarag"):
        connect(EMBEDDED, tmp_path)


def test_an_impossible_url_is_a_setting_error_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        connect("nosuch://user:secret@host/db", tmp_path)
    assert "ledger.url" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_an_older_ledger_is_brought_up_to_date(tmp_path: Path) -> None:
    engine = connect(EMBEDDED, tmp_path)
    command.downgrade(migrations(engine), "0001")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) != []
    engine.dispose()
    with connect(EMBEDDED, tmp_path).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
