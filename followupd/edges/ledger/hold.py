"""One daemon a ledger: a second one that starts would take the first one's letters for doubtful."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from followupd.errors import FollowupdError

#: any number that nobody else's advisory lock uses; it spells "followup" in ASCII
_NUMBER = int.from_bytes(b"followup", "big") >> 1


class AlreadyRunningError(FollowupdError):
    """Another followupd runs on this ledger; stop it first (`systemctl stop followupd`)."""


@contextmanager
def hold(engine: Engine) -> Iterator[None]:
    """Hold the ledger for one daemon; the lock ends with the process, however it ends.

    Raises:
        AlreadyRunningError: another daemon holds it.
    """
    database = engine.url.database
    if engine.url.get_backend_name() == "sqlite":
        if database in {None, "", ":memory:"}:
            yield
            return
        with _file_held(Path(f"{database}.lock")):
            yield
        return
    with engine.connect() as connection:
        connection.detach()  # back in the pool it would keep the lock, which belongs to the database's session
        if not connection.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": _NUMBER}).scalar():
            raise AlreadyRunningError
        connection.commit()
        yield


@contextmanager
def _file_held(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        path.chmod(0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunningError from None
        yield
