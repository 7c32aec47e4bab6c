"""The door to the post: a letter composed, handed over, and what the server said of it."""
