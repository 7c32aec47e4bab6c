"""The story of service recovery: pure chapters, data and a moment in, events out."""
