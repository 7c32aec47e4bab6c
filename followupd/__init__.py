"""followupd: a mail daemon for service recovery."""

__version__ = "0.1.0"
