"""A PgBouncer of the test's own, that pools connections by transaction."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.waiting import wait_until

MISSING = "PgBouncer is not installed: apt-get install pgbouncer"
NOBODY = 65534


class Pooler:
    """Stands before the PostgreSQL server of a database's settings, on a port of its own."""

    host = "127.0.0.1"

    def __init__(self, settings):
        self._program = program()
        self._server = dict(settings)
        self._directory = Path(tempfile.mkdtemp(prefix="pgbouncer"))
        with socket.socket() as sock:
            sock.bind((self.host, 0))
            self.port = str(sock.getsockname()[1])

    def __enter__(self):
        self._write_configuration()
        # It refuses to run as root.
        is_root = os.getuid() == 0
        if is_root:
            for path in (self._directory, *self._directory.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        self._process = subprocess.Popen(
            [self._program, "-q", str(self._directory / "pgbouncer.ini")],
            user=NOBODY if is_root else None,
            group=NOBODY if is_root else None,
            extra_groups=[] if is_root else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, "PgBouncer answers")
        return self

    def __exit__(self, *args):
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._directory)

    def _answers(self):
        assert self._process.poll() is None, "PgBouncer has ended"
        with socket.socket() as sock:
            return sock.connect_ex((self.host, int(self.port))) == 0

    def _write_configuration(self):
        server = self._server
        target = f"host={server['HOST'] or '127.0.0.1'} port={server['PORT'] or 5432}"
        if server["PASSWORD"]:
            target += f" password={server['PASSWORD']}"
        (self._directory / "pgbouncer.ini").write_text(
            f"""\
[databases]
* = {target} user={server["USER"]}
[pgbouncer]
listen_addr = {self.host}
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
server_check_delay = 0
ignore_startup_parameters = extra_float_digits
logfile = {self._directory}/log
"""
        )


def program():
    """Return where PgBouncer is; skip the test where it is not, or fail it in CI."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/sbin")
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)
