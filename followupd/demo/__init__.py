"""The demo: one complaint from the first mail to the gift card, over real IMAP and SMTP on this machine."""
