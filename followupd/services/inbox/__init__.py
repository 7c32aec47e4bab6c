"""Incoming mail: reading folders, routing each mail once, and updating the mailbox."""
