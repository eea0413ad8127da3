"""What the product does: each module carries out one kind of request."""
