"""Topology `single`: writer and node in one process, on one port."""
