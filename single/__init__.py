"""Topology `single`: the writer's and the node's cores in one process, on one port."""
