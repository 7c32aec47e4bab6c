"""A throw-away PostgreSQL in a temporary directory, with a fresh database for each test that asks."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.servers.machine import SystemUser, free_ports, new_directory, program
from tests.servers.postbox import unique

PROGRAMS = ("initdb", "pg_ctl", "psql", "pg_basebackup")
# a test's data may die with the machine
SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
listen_addresses = '127.0.0.1'
unix_socket_directories = '{directory}'
max_connections = 50
shared_buffers = 32MB
"""
# what was committed outlives the process, though not the machine
DURABLE = """
synchronous_commit = on
wal_level = replica
max_wal_senders = 4
"""
REPLICATED = "synchronous_standby_names = '*'"


class Postgres:
    """`database()` makes an empty database and returns its SQLAlchemy URL.

    With `durable`, whatever was committed outlives `stop`, and a `replica` can take the place of the server.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.settings = SETTINGS + DURABLE if durable else SETTINGS
        places = sorted((str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        self.programs = {name: program(name, "postgresql", *places) for name in PROGRAMS}
        self.user = SystemUser.unprivileged()  # initdb refuses to run as root
        (self.port,) = free_ports(1)

    def __enter__(self) -> Self:
        self.directory = new_directory("fu-pg-")
        self.user.own(self.directory)
        self.data = self.directory / "data"
        makeup = ("-U", "test", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
        self._run("initdb", "-D", str(self.data), *makeup)
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(self.settings.format(directory=self.directory))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, name: str, *arguments: str) -> None:
        command = self.user.command(self.programs[name], *arguments)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.directory),
        }
        # no pipes: the server inherits them from pg_ctl, and a reader would wait for its end
        with (self.directory / "output.log").open("ab") as output:
            done = subprocess.run(
                command, check=False, stdout=output, stderr=output, cwd=self.directory, env=environment
            )
        if done.returncode:
            raise RuntimeError(
                f"{name} failed: " + (self.directory / "output.log").read_text(errors="replace")
            )

    def start(self) -> None:
        self._control(self.data, "start", f"-p {self.port}")

    def stop(self) -> None:
        self._control(self.data, "stop")

    def replica(self, *, stale: bool = False) -> None:
        """Start a replica that has each commit before it counts; `fail_over` puts it in the server's place.

        A `stale` one was cut off at once, and knows of nothing that comes later.
        """
        self._second, (self._second_port,) = self.directory / "replica", free_ports(1)
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "test")
        self._run(
            "pg_basebackup", *where, "-D", str(self._second), "-R", "-X", "stream", "--no-sync", "-c", "fast"
        )
        self._is_stale = stale
        if stale:
            return
        self._control(self._second, "start", f"-p {self._second_port}")
        self._sql(f"ALTER SYSTEM SET {REPLICATED}")
        self._sql("SELECT pg_reload_conf()")

    def fail_over(self) -> None:
        """Stop the server at once, as a machine dies, and promote the replica, which gets its address."""
        self._control(self.data, "stop")
        if not self._is_stale:
            self._control(self._second, "stop")
        (self._second / "postgresql.auto.conf").write_text("")  # its own server is gone
        self.data = self._second
        self.start()  # it reads and does not write yet
        self._control(self.data, "promote")

    def _control(self, data: Path, word: str, options: str = "") -> None:
        more: tuple[str, ...] = ()
        if word == "start":
            more = ("-o", options, "-l", str(self.directory / f"log-{data.name}"))
        elif word == "stop":
            more = ("-m", "immediate")
        self._run("pg_ctl", "-D", str(data), *more, "-w", "-t", "30", word)

    def _sql(self, statement: str) -> None:
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "test", "-d", "postgres")
        self._run("psql", *where, "-q", "-v", "ON_ERROR_STOP=1", "-c", statement)

    def database(self) -> str:
        name = unique("ledger").replace("-", "_")
        self._sql(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://test@127.0.0.1:{self.port}/{name}"
