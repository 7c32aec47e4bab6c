"""Read a mail: its kind, whether a machine may answer it, its new text, what reports and absence notes say."""

from followupd.text.mail.parse import UnreadableError
from followupd.text.mail.read import forwarded_answer, read, read_plain

__all__ = ["UnreadableError", "forwarded_answer", "read", "read_plain"]
