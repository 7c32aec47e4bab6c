"""Previews of letters: on the terminal, in a browser, and as a diff between two configurations."""
