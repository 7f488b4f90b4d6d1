"""The servers that are not ours: how they are installed, configured, started and asked."""
