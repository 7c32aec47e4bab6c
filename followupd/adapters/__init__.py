"""The doors to the world: IMAP, SMTP, SQL, files and templates."""
