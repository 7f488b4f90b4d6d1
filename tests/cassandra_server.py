"""A real Cassandra for tests."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.folder import home_folder, jars_folder
from cluster.ports import free_ports
from cluster.servers import cassandra, cassandra_jars
from tests.server_process import ServerProcess

# It starts in 8 s instead of 13, and takes half a gibibyte.
FAST_HEAP_MIB = 256
FAST_OPTIONS = ("-XX:TieredStopAtLevel=1",)


class CassandraServer(ServerProcess):
    """A ring of one; options: more of its JVM's."""

    start_within_s = 150.0  # of the 180 that a test has

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        cql_port, storage_port = free_ports(2)
        self._server = cassandra.CassandraServer(
            1, folder, "127.0.0.1", cql_port, storage_port, FAST_HEAP_MIB, FAST_OPTIONS + options
        )

    @property
    def host(self) -> str:
        return self._server.host

    @property
    def port(self) -> int:
        """For clients."""
        return self._server.cql_port

    def _prepare(self) -> list[str]:
        jars = jars_folder(home_folder(os.environ))
        cassandra_jars.fetch(jars)
        cassandra.write_config(self._server)
        return cassandra.command(self._server, jars)

    async def _answers(self) -> bool:
        return await cassandra.answers(self.host, self.port)
