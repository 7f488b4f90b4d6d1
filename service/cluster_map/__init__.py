"""The map of a cluster: one process asks the others how they are, and shows it as a page."""
