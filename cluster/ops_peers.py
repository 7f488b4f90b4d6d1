"""What the parts of a cluster are told of one another's ops listeners, for the map of the cluster.

Processes read it from a file in the cluster's folder, which `up` replaces: so those that run learn
of new nodes. In containers the name OPS_ALIAS stands for all parts that run, new ones too; the list
beside it also names those that do not.
"""

from __future__ import annotations

from collections.abc import Sequence

from cluster.addresses import join_port
from cluster.files import replace_file
from cluster.folder import ClusterFolder
from cluster.parts import CONTAINER_PORTS, ROLES, Kind, Part

OPS_ALIAS = "ops"  # compose/docker-compose.yml says the same, and a test compares the two


def write_ops_peers(folder: ClusterFolder, parts: Sequence[Part]) -> None:
    """Replace the file, if it says something else. Raises OSError."""
    ours = [part for part in parts if part.kind in ROLES]
    text = "".join(f"{_entry(part, part.host)}\n" for part in ours).encode()
    if not (folder.ops_peers.exists() and folder.ops_peers.read_bytes() == text):
        folder.path.mkdir(parents=True, exist_ok=True)
        replace_file(folder.ops_peers, text)


def container_ops_peers(parts: Sequence[Part]) -> str:
    """The value of OPS_PEERS in containers."""
    alias = join_port(OPS_ALIAS, CONTAINER_PORTS[Kind.NODE]["ops"])
    return ",".join([alias, *(_entry(part, part.name) for part in parts if part.kind in ROLES)])


def _entry(part: Part, host: str) -> str:
    return f"{part.kind}/{part.name}={join_port(host, part.ports['ops'])}"
