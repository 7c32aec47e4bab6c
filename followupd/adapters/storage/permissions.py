"""The files beside a SQLite ledger: readable by their owner alone, who is the daemon even when root typed the command."""

import os
from pathlib import Path


def make_private(path: Path) -> None:
    """Make a file, or take one that is there, with its owner's rights alone; raises OSError.

    What root makes in somebody else's directory is given to them: the daemon could not open it otherwise, and systemd looks
    at the directory's owner only.
    """
    is_new = not path.exists()
    path.touch(mode=0o600)
    path.chmod(0o600)
    home = path.parent.stat()
    if is_new and os.geteuid() == 0:
        os.chown(path, home.st_uid, home.st_gid)
