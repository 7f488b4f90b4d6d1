"""A cluster as processes of this machine."""
