"""What the child of a training run does; nothing here knows the database."""
