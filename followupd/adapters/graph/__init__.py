"""Microsoft Graph: a mailbox at Microsoft 365 over HTTP, with the methods of the IMAP door."""
