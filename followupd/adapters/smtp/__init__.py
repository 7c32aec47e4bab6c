"""SMTP: render letters as MIME messages and hand them to the server."""
