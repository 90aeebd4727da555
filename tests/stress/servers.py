"""Private database servers: made for the tests, so that they can be killed, cut off and restarted."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from django.db import OperationalError

from tests.stress.databases import execute, migrate, query
from tests.waiting import wait_until

STARTUP = 60
TEMPLATE = "template_of_tests"


class MissingServerError(Exception):
    """The programs of a server are not installed here."""


class Server(ABC):
    """A server that belongs to the tests alone, or files that stand for one."""

    vendor: ClassVar[str]

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"stress-{self.vendor}-"))
        self._has_template = False

    @abstractmethod
    def database(self, name: str) -> dict[str, Any]:
        """Return the database's entry for DATABASES."""

    def create(self, name: str) -> dict[str, Any]:
        """Make a database that is migrated already; return its entry for DATABASES."""
        if not self._has_template:
            self._create(TEMPLATE)
            migrate(self.database(TEMPLATE))
            self._has_template = True
        self._copy(TEMPLATE, name)
        return self.database(name)

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove the database, whoever uses it."""

    def close(self) -> None:
        """End, and leave no file behind."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @abstractmethod
    def _create(self, name: str) -> None: ...

    @abstractmethod
    def _copy(self, template: str, name: str) -> None: ...


class SQLiteFiles(Server):
    """Files in a directory; there is no server to kill."""

    vendor = "sqlite"

    def database(self, name: str) -> dict[str, Any]:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(self._path(name)),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            },
        }

    def drop(self, name: str) -> None:
        for path in self.directory.glob(f"{name}.sqlite3*"):
            path.unlink()

    def _create(self, name: str) -> None:
        """Do nothing: a file is made when it is first opened."""

    def _copy(self, template: str, name: str) -> None:
        query(self.database(template), "PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self._path(template), self._path(name))

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.sqlite3"


class PrivateServer(Server):
    """
    A server process with a data directory and a port of its own.

    It does not wait for the disk: what a killed process has given to the operating system stays.
    """

    account: ClassVar[str]
    """The user that it runs as, where the tests run as root."""
    fatal: ClassVar[signal.Signals]
    """What ends it at once, without a chance to tidy up."""
    maintenance: ClassVar[str]
    """The database that is always there."""

    def __init__(self) -> None:
        self._program = self._find_program()
        super().__init__()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            entry = pwd.getpwnam(self.account)
            os.chown(self.directory, entry.pw_uid, entry.pw_gid)
        self._initialise()

    def start(self) -> None:
        """Start, and return as soon as it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                as_user(self.account, self._command(), ends_with_us=True),
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self.answers, f"{self.vendor} answers\n{self._log.read_text()}", STARTUP)

    def kill(self) -> None:
        """End at once; what was committed is found again at the next start."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.fatal)
            self._process.wait(30)

    def restart(self, down: float = 0.0) -> float:
        """Kill it, stay away for a while, start it; return the time when it answered."""
        self.kill()
        time.sleep(down)  # As long as the scenario says; nothing is waited for.
        self.start()
        return time.time()

    def answers(self) -> bool:
        try:
            query(self.database(self.maintenance), "SELECT 1")
        except Exception:  # noqa: BLE001 - each driver has its own
            return False
        return True

    def close(self) -> None:
        self.kill()
        super().close()

    @property
    def output(self) -> str:
        """What the server has logged since it was made."""
        return self._log.read_text(errors="replace")

    @abstractmethod
    def sessions(self, name: str) -> int:
        """Return how many connections the database has, those of the tests left out."""

    @abstractmethod
    def add_user(self, user: str) -> None:
        """Make a user that may do everything, so that its sessions can be told from others'."""

    @abstractmethod
    def end_sessions(self, user: str) -> int:
        """End all sessions of the user; return how many there were."""

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def _execute(self, *statements: str) -> None:
        execute(self.database(self.maintenance), *statements)

    def _create(self, name: str) -> None:
        self._execute(f"CREATE DATABASE {name}")

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            as_user(self.account, [str(part) for part in command]),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    @abstractmethod
    def _find_program(self) -> Path: ...

    @abstractmethod
    def _initialise(self) -> None: ...

    @abstractmethod
    def _command(self) -> list[str]: ...


class PrivatePostgreSQL(PrivateServer):
    """A cluster in a directory; killed like ``pg_ctl -m immediate``."""

    vendor = "postgresql"
    account = "postgres"
    fatal = signal.SIGQUIT
    maintenance = "postgres"

    def database(self, name: str) -> dict[str, Any]:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": "postgres",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "OPTIONS": {"connect_timeout": 3},
        }

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def sessions(self, name: str) -> int:
        ((number,),) = query(
            self.database(self.maintenance),
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = %s",
            name,
        )
        return int(number)

    def add_user(self, user: str) -> None:
        self._execute(f"DROP ROLE IF EXISTS {user}", f"CREATE ROLE {user} SUPERUSER LOGIN")

    def end_sessions(self, user: str) -> int:
        ended = query(
            self.database(self.maintenance),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
            user,
        )
        return len(ended)

    def _copy(self, template: str, name: str) -> None:
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def _find_program(self) -> Path:
        # Debian keeps them out of the PATH, one directory for each version.
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        on_path = shutil.which("postgres")
        if not found and not on_path:
            raise MissingServerError("PostgreSQL is not installed: `apt-get install postgresql`")
        return found[-1] if found else Path(on_path or "")

    def _initialise(self) -> None:
        initdb = self._program.with_name("initdb")
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"]
        self._run(initdb, *options, "--locale=C.UTF-8", f"--pgdata={self.directory / 'data'}")

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.directory,
            "fsync": "off",
            "max_connections": 200,
            "shared_buffers": "64MB",
        }
        given = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [
            str(self._program),
            "-D",
            str(self.directory / "data"),
            "-p",
            str(self.port),
            *given,
        ]


class PrivateMariaDB(PrivateServer):
    """A server in a directory; killed with ``kill -9``."""

    vendor = "mysql"
    account = "mysql"
    fatal = signal.SIGKILL
    maintenance = "mysql"

    def database(self, name: str) -> dict[str, Any]:
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": name,
            "USER": "root",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "OPTIONS": {"connect_timeout": 3, "charset": "utf8mb4"},
        }

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name}")

    def sessions(self, name: str) -> int:
        ((number,),) = query(
            self.database(self.maintenance),
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = %s",
            name,
        )
        return int(number)

    def add_user(self, user: str) -> None:
        self._execute(
            f"CREATE OR REPLACE USER {user}@'127.0.0.1'",
            f"GRANT ALL PRIVILEGES ON *.* TO {user}@'127.0.0.1'",
        )

    def end_sessions(self, user: str) -> int:
        found = query(
            self.database(self.maintenance),
            "SELECT id FROM information_schema.processlist WHERE user = %s",
            user,
        )
        for (session,) in found:
            # It may have ended by itself.
            with contextlib.suppress(OperationalError):
                self._execute(f"KILL {session}")
        return len(found)

    def _create(self, name: str) -> None:
        self._execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def _copy(self, template: str, name: str) -> None:
        self._create(name)
        server = ["--no-defaults", "--user=root", "--host=127.0.0.1", f"--port={self.port}"]
        dumped = subprocess.run(
            ["mariadb-dump", *server, template], capture_output=True, timeout=60, check=True
        )
        subprocess.run(["mariadb", *server, name], input=dumped.stdout, timeout=60, check=True)

    def _find_program(self) -> Path:
        found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if not found or not shutil.which("mariadb-install-db"):
            raise MissingServerError("MariaDB is not installed: `apt-get install mariadb-server`")
        if importlib.util.find_spec("MySQLdb") is None:
            raise MissingServerError(
                "mysqlclient is not installed: `pip install 'django-eventsourcing[mysql]'`"
            )
        return Path(found)

    def _initialise(self) -> None:
        self._run(
            "mariadb-install-db",
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            f"--datadir={self.directory / 'data'}",
        )

    def _command(self) -> list[str]:
        settings = {
            "datadir": self.directory / "data",
            "socket": self.directory / "socket",
            "pid-file": self.directory / "pid",
            "port": self.port,
            "bind-address": "127.0.0.1",
            "skip-name-resolve": "1",
            "max-connections": 200,
            "innodb-buffer-pool-size": "64M",
            "innodb-flush-log-at-trx-commit": 2,
        }
        return [
            str(self._program),
            "--no-defaults",
            *(f"--{key}={value}" for key, value in settings.items()),
        ]


SERVERS: dict[str, type[Server]] = {
    "sqlite": SQLiteFiles,
    "postgres": PrivatePostgreSQL,
    "mariadb": PrivateMariaDB,
}


def as_user(account: str, command: list[str], *, ends_with_us: bool = False) -> list[str]:
    """Return the command as the account runs it, where the tests run as root."""
    if os.getuid() != 0:
        return command
    prefix = ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups"]
    # A server outlives no test run, however that ends.
    return [*prefix, *(["--pdeathsig=QUIT"] if ends_with_us else []), *command]


def free_port() -> int:
    """Return a port that nobody listens at now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
