"""A cluster in containers."""
