"""NeoMutt in a terminal of its own: a real mail client that sets keywords over IMAP."""

import subprocess
from pathlib import Path
from typing import Self

from tests.servers.machine import new_directory, program, until
from tests.servers.postbox import Postbox

RC = """
set imap_user="{user}"
set imap_pass="{password}"
set spoolfile="imaps://{host}:{port}/INBOX"
set folder="imaps://{host}:{port}/"
set certificate_file="{ca}"
set ssl_force_tls=yes
set quit=yes
set mark_old=no
set header_cache=""
set imap_check_subscribed=no
set index_format="%4C %Z %-20.20F %s [%g]"
set sort=date
bind index Y modify-tags
"""


class Neomutt:
    """A NeoMutt that has the mailbox open; `tag(n, ...)` types what an agent types."""

    def __init__(self, postbox: Postbox) -> None:
        self._neomutt, self._tmux = program("neomutt", "neomutt"), program("tmux", "tmux")
        self._postbox = postbox

    def __enter__(self) -> Self:
        self._home = new_directory("mutt")
        self._socket = str(self._home / "tmux")
        rc = self._home / "muttrc"
        box = self._postbox
        rc.write_text(
            RC.format(user=box.username, password=box.password, host=box.host, port=box.port, ca=box.ca_file)
        )
        inside = ["env", f"HOME={self._home}", "TERM=screen", self._neomutt, "-n", "-F", str(rc)]
        self._run("-f", "/dev/null", "new-session", "-d", "-s", "m", "-x", "120", "-y", "30", *inside)
        return self

    def __exit__(self, *_: object) -> None:
        self._run("kill-server")

    def waits_for(self, text: str) -> None:
        until(lambda: text in self.screen(), f"NeoMutt to show {text!r}, it shows:\n{self.screen()}")

    def screen(self) -> str:
        return self._run("capture-pane", "-p", "-t", "m")

    def tag(self, subject: str, *tags: str) -> None:
        """Put the cursor on the first mail, and type its tags."""
        self.waits_for(subject)
        self._keys("Home")
        self._keys("Y")
        self.waits_for("ags")  # the prompt
        self._keys("C-u")
        self._run("send-keys", "-t", "m", "-l", " ".join(tags))
        self._keys("Enter")

    def _keys(self, *keys: str) -> None:
        self._run("send-keys", "-t", "m", *keys)

    def _run(self, *arguments: str) -> str:
        command = [self._tmux, "-S", self._socket, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path("/")).stdout
