"""The process that carries training runs out; it never opens the database."""
