"""The door to the mailbox: IMAP, from the login to what is new in a folder."""
