"""Use cases: the order of IO and transactions; the rules are in the layers below."""
