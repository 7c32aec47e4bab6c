"""What past cases and mails tell: the report, the month, how long promises take, and looking back on a mailbox."""
