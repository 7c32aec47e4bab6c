"""Logging in without a password: tokens, and who gives them (RFC 6749)."""
