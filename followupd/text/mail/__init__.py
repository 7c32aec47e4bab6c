"""Listen: read one mail. What kind it is, may a machine answer it, which words are new, what a bounce or an absence says."""

from followupd.text.mail.parse import UnreadableError
from followupd.text.mail.read import read, read_plain

__all__ = ["UnreadableError", "read", "read_plain"]
