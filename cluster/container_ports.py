"""Where the programs listen inside their containers. compose/docker-compose.yml says the same, and
a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping

from cluster.parts import Kind

PUBLIC, INTERNAL, OPS = 8001, 8002, 8003
GATEWAY_HTTP, GATEWAY_HTTPS = 8080, 8443
CONTROL_HOST, CONTROL_PORT = "control", 9999
# The gateway is the only one in the network in which it has this name: nobody else gets there.
CONTROL = f"ipv4@{CONTROL_HOST}:{CONTROL_PORT}"
NAMESERVER = "127.0.0.11:53"  # the engine's own, in every container

PORTS: Mapping[Kind, Mapping[str, int]] = {
    Kind.ZOOKEEPER: {"client": 2181, "quorum": 2888, "election": 3888},
    Kind.WRITER: {"public": PUBLIC, "internal": INTERNAL, "ops": OPS},
    Kind.DISPATCHER: {"internal": INTERNAL, "ops": OPS},
    Kind.NODE: {"public": PUBLIC, "internal": INTERNAL, "ops": OPS},
    Kind.HAPROXY: {"http": GATEWAY_HTTP, "https": GATEWAY_HTTPS},
}
