"""One table for each policy: rows of a case, a time, and what is decided."""
