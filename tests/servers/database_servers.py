"""PostgreSQL and MariaDB servers for tests, from the programs that Debian's packages install."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import sqlalchemy as sa

from tests.servers.process import ServerProcess, free_port

PASSWORD = "s3cret-Of-Tests"
_FOLDERS = ("/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin")


def program(name: str) -> str:
    """Return the path of a server's program; LookupError where it is not installed."""
    places = [*_FOLDERS, *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise LookupError(f"the program {name} is not installed")
    return found


class DatabaseServer:
    """One server; each database on it is made by a test."""

    name = ""
    scheme = ""
    user = ""
    account = ""
    at_once = signal.SIGKILL

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.data = folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        self.process = ServerProcess(self.command(), folder / f"{self.name}.log")
        self._made = 0

    def command(self) -> list[str]:
        """Return the command that starts it."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make its data folder."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, with the data it had before, and wait until it answers."""
        if not self.data.exists():
            self.data.mkdir()
            if os.geteuid() == 0:  # these servers refuse to run as root
                for folder in (self.data, *self.data.parents):
                    if folder == Path("/tmp") or folder.parent == folder:
                        break
                    folder.chmod(folder.stat().st_mode | 0o011)
                shutil.chown(self.data, self._owner().pw_uid)
            self.prepare()
        self.process.start(self._answers)

    def stop(self) -> None:
        """End it; one that was frozen is woken first."""
        self.process.signal(signal.SIGCONT)
        self.process.stop()

    def crash(self) -> None:
        """End it in the middle of what it does, whoever is connected."""
        self.process.signal(self.at_once)
        self.process.stop()

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to its process and to those that PostgreSQL has for its connections."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database on it."""
        return f"{self.scheme}://{self.user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make a database; return its URL."""
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str) -> None:
        """Run a statement as the server's owner, outside a transaction."""
        engine = sa.create_engine(self.url(self._first()), poolclass=sa.NullPool)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(statement)

    def _first(self) -> str:
        raise NotImplementedError

    def _answers(self) -> bool:
        self.execute("SELECT 1")
        return True

    def _owner(self) -> pwd.struct_passwd:
        """Return who runs the server when the tests run as root."""
        try:
            return pwd.getpwnam(self.account)
        except KeyError:  # packages of the programs alone make no account
            return pwd.getpwnam("nobody")

    def _as_account(self, command: list[str]) -> list[str]:
        if os.geteuid() != 0:
            return command
        owner = self._owner()
        rights = ["--reuid", str(owner.pw_uid), "--regid", str(owner.pw_gid), "--clear-groups"]
        return [program("setpriv"), *rights, *command]

    def _setup(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stdout[-1000:]} {done.stderr[-1000:]}")


class PostgresServer(DatabaseServer):
    """PostgreSQL; its default collation is none of bytes, as on most companies' servers."""

    name, scheme, user, account = "postgresql", "postgresql+psycopg", "postgres", "postgres"
    at_once = signal.SIGQUIT  # its own way: children that outlived it would hold the data

    def command(self) -> list[str]:
        settings = ["-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-c", "fsync=off"]
        return self._as_account([program("postgres"), "-D", str(self.data), *settings])

    def prepare(self) -> None:
        self.data.chmod(0o700)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        command = [program("initdb"), "-D", str(self.data), "-U", self.user, "-A", "scram-sha-256"]
        locale = ["-E", "UTF8", "--locale", "C.UTF-8", "--pwfile", str(secret)]
        self._setup(self._as_account([*command, *locale]))

    def _first(self) -> str:
        return "postgres"


class MariaServer(DatabaseServer):
    """MariaDB, with the case-insensitive default collation that its packages bring."""

    name, scheme, user, account = "mariadb", "mariadb+pymysql", "root", "mysql"

    def command(self) -> list[str]:
        socket = ["--socket", str(self.data / "socket"), "--skip-log-error"]
        place = ["--datadir", str(self.data), "--port", str(self.port), *socket]
        collation = ["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"]
        init = ["--init-file", str(self.folder / "init.sql")]
        options = ["--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=2"]
        start = [program("mariadbd"), "--no-defaults", *place, *collation, *init, *options]
        return self._as_account(start)

    def prepare(self) -> None:
        init = self.folder / "init.sql"
        init.write_text(f"ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}';\n")
        command = [program("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}"]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        if os.geteuid() == 0:
            options.append(f"--user={self._owner().pw_name}")
        self._setup([*command, *options])

    def _first(self) -> str:
        return "mysql"


DATABASES: dict[str, type[DatabaseServer]] = {
    "postgresql": PostgresServer,
    "mariadb": MariaServer,
}
