"""Use cases: the order of IO and transactions, with no rules of their own."""
