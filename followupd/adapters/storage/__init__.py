"""The ledger: SQLite or PostgreSQL behind one transaction at a time."""
