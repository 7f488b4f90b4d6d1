"""The network of a cluster's containers: 256 addresses that nothing on this machine uses.

Cassandra's servers know one another by address, and one that comes back with another's is refused.
So each has a fixed address, and the cluster keeps its network for life. A network is named by the
first three numbers of its addresses: `10.213.7`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

from cluster.errors import ClusterError

# Which of the private ranges are seldom somebody's: 256 networks of ours each.
RANGES = ("10.213", "172.30", "192.168")
_ROUTES = Path("/proc/net/route")
_PER_RANGE = 256


def subnet(network: str) -> IPv4Network:
    """`10.213.7` as a network."""
    return IPv4Network(f"{network}.0/24")


def cassandra_address(network: str, number: int) -> str:
    """Of server `number` (from 1), in the lower half, where the engine assigns no addresses.
    compose/docker-compose.yml says the same, and a test compares.
    """
    return f"{network}.{10 + number}"


def is_free(network: str, taken: Iterable[IPv4Network]) -> bool:
    """Whether it meets none of `taken`."""
    return not any(subnet(network).overlaps(other) for other in taken)


def find_free(wish: int, taken: Iterable[IPv4Network]) -> str:
    """A network that meets none of `taken`. Different wishes seldom get the same one, so that two
    clusters may choose at the same time. Raises ClusterError.
    """
    known = list(taken)
    for network in _candidates(wish):
        if is_free(network, known):
            return network
    raise ClusterError(
        f"all of {', '.join(f'{one}.*.*' for one in RANGES)} is in use on this machine"
    )


def read_routes(path: Path = _ROUTES) -> list[IPv4Network]:
    """The networks that this machine reaches, but for "everything else". None if the kernel does
    not say.
    """
    try:
        rows = [line.split() for line in path.read_text().splitlines()[1:]]
    except OSError:
        return []
    found = (_network(row[1], row[7]) for row in rows if len(row) > 7)
    return [network for network in found if network.prefixlen]


def _candidates(wish: int) -> Iterator[str]:
    for one in RANGES:
        for number in range(_PER_RANGE):
            yield f"{one}.{(wish + number) % _PER_RANGE}"


def _network(address: str, mask: str) -> IPv4Network:
    """As the kernel writes them: hexadecimal, the first number last."""
    words = (int.from_bytes(bytes.fromhex(word), "little") for word in (address, mask))
    first, bits = words
    return IPv4Network((first, bits.bit_count()))
