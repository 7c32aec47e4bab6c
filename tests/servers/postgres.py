"""A throw-away PostgreSQL in a temporary directory, with a fresh database for each test that asks."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.servers.machine import SystemUser, free_ports, new_directory, program
from tests.servers.postbox import unique

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


class Postgres:
    """`database()` makes an empty database and returns its SQLAlchemy URL."""

    def __init__(self) -> None:
        places = sorted((str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        self.programs = {name: program(name, "postgresql", *places) for name in ("initdb", "pg_ctl", "psql")}
        self.user = SystemUser.unprivileged()  # initdb refuses to run as root
        (self.port,) = free_ports(1)

    def __enter__(self) -> Self:
        self.directory = new_directory("fu-pg-")
        self.user.own(self.directory)
        self.data = self.directory / "data"
        makeup = ("-U", "test", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
        self._run("initdb", "-D", str(self.data), *makeup)
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(SETTINGS.format(directory=self.directory))
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
        log = str(self.directory / "log")
        self._run(
            "pg_ctl", "-D", str(self.data), "-o", f"-p {self.port}", "-l", log, "-w", "-t", "30", "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def database(self) -> str:
        name = unique("ledger").replace("-", "_")
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "test", "-d", "postgres")
        self._run("psql", *where, "-q", "-v", "ON_ERROR_STOP=1", "-c", f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://test@127.0.0.1:{self.port}/{name}"
