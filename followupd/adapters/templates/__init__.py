"""The letters' files: found, checked, and rendered with what a case knows."""
