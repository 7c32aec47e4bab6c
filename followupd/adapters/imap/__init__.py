"""IMAP: logging in, finding folders, reading what changed, and changing flags and folders."""
