"""Outgoing mail: deciding whether a letter may leave, sending it, and settling what is in doubt."""
