"""followupd: service recovery that happens, whatever the week is like."""

__version__ = "0.1.0"
