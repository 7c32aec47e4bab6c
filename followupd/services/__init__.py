"""What one beat does: the imperative shell between the story and the doors."""
