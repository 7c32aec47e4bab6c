"""Outgoing mail: deciding whether a letter may be sent, sending it, and resolving letters in doubt."""
