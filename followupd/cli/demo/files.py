"""Where the demo leaves what it made: the house, each mail as .eml and .html, and a page that shows them in order."""

import shutil
import tempfile
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from followupd.cli.demo.people import html_of
from followupd.cli.demo.telling import Shown
from followupd.errors import FollowupdError

#: by this file a later demo knows that a directory is a demo's, and may be written anew
_MARK = ".followupd-demo"
_DEFAULT = Path("followupd-demo")


class NoRoomError(FollowupdError):
    """The directory is not a demo's, or cannot be written in; name another one with --out."""


def make_room(out: Path | None) -> Path:
    """Return an empty directory: `out`, else ./followupd-demo, else one in the system's place for such things.

    Raises:
        NoRoomError: `out` holds something that no demo made, or cannot be written in.
    """
    wanted = (out or _DEFAULT).absolute()
    try:
        return _emptied(wanted)
    except OSError as error:
        if out is not None:
            raise NoRoomError(f"{wanted} cannot be used: {error.strerror or error}") from error
        return Path(tempfile.mkdtemp(prefix="followupd-demo-"))
    except NoRoomError:
        if out is not None:
            raise
        return Path(tempfile.mkdtemp(prefix="followupd-demo-"))


def _emptied(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = directory / _MARK
    if not mark.exists() and any(directory.iterdir()):
        raise NoRoomError(f"{directory} holds something that no demo made; name another directory with --out")
    mark.touch()
    for name in ("house", "letters"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in ("index.html", "journal.log"):
        (directory / name).unlink(missing_ok=True)
    return directory


def leave_mails(directory: Path, shown: Sequence[Shown]) -> None:
    """Write each mail as the server had it, and its HTML part beside it."""
    folder = directory / "letters"
    folder.mkdir(mode=0o700)
    for each in shown:
        _leave(folder, each.name, each.mail)


def _leave(folder: Path, name: str, mail: EmailMessage) -> None:
    (folder / f"{name}.eml").write_bytes(mail.as_bytes())
    if html := html_of(mail):
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
