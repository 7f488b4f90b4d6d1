"""Where the programs listen inside their containers. compose/docker-compose.yml says the same, and
a test compares the two.
"""

from __future__ import annotations

PUBLIC, INTERNAL, OPS = 8001, 8002, 8003
GATEWAY_HTTP, GATEWAY_HTTPS = 8080, 8443
ZOOKEEPER_CLIENT, ZOOKEEPER_QUORUM, ZOOKEEPER_ELECTION = 2181, 2888, 3888
CASSANDRA_CQL, CASSANDRA_STORAGE = 9042, 7000
REDIS = 6379
CONTROL_HOST, CONTROL_PORT = "control", 9999
# The gateway is the only one in the network in which it has this name: nobody else gets there.
CONTROL = f"ipv4@{CONTROL_HOST}:{CONTROL_PORT}"
NAMESERVER = "127.0.0.11:53"  # the engine's own, in every container
