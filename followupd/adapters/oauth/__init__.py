"""Logging in with OAuth 2 instead of a password (RFC 6749)."""
