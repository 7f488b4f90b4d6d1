"""How HAProxy chooses a node for a video: `hash-type consistent` with `hash-balance-factor`.

Invariants: this is the gateway's own arithmetic (2.6 and 3.0; `src/lb_chash.c` and `src/backend.c`
there), so the same servers, video ids and arrivals give the same nodes:
- each server has 16 points on a ring of 2^32, by its number alone;
- a video is hashed (SDBM, then an avalanche) and starts at the point nearest to it, up or down;
- a server is passed over while it holds its share of 1.25 times all streams, this one included;
  the search goes on point by point, upwards.
`BoundedLoad` places one stream after another. It is exact, and too slow for millions.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

POINTS = 16  # of a server with weight 1: BE_WEIGHT_SCALE
BALANCE_FACTOR = 125  # percent, as in compose/haproxy.cfg.in
_KEYS_PER_SERVER = 4096  # SRV_EWGHT_RANGE: how far apart the seeds of two servers are
_MASK = 0xFFFFFFFF
_SDBM = 65599
_SPREAD = 3221225473


def avalanche(value: int) -> int:
    """Jenkins' integer hash with six shifts, spread by a prime: 32 bits in, 32 bits out."""
    value = (value + 0x7ED55D16 + (value << 12)) & _MASK
    value ^= 0xC761C23C ^ (value >> 19)
    value = (value + 0x165667B1 + (value << 5)) & _MASK
    value = ((value + 0xD3A2646C) ^ (value << 9)) & _MASK
    value = (value + 0xFD7046C5 + (value << 3)) & _MASK
    value ^= 0xB55A4F09 ^ (value >> 16)
    return value * _SPREAD & _MASK


def hash_of(video_id: str) -> int:
    """Where a video lies on the ring."""
    value = 0
    for byte in video_id.encode():
        value = (value * _SDBM + byte) & _MASK
    return avalanche(value)


class Ring:
    """The points of servers 1 to `servers`. `owners[i]` is the server (counted from 0) of point
    `i`, in the order of the ring.
    """

    def __init__(self, servers: int) -> None:
        points = sorted(
            (avalanche(number * _KEYS_PER_SERVER + point), number)
            for number in range(1, servers + 1)
            for point in range(POINTS)
        )
        self.servers = servers
        self._keys = [key for key, _ in points]
        self.owners = array("l", (number - 1 for _, number in points))

    def __len__(self) -> int:
        return len(self.owners)

    def start(self, hashed: int) -> int:
        """The point at which the search for a server begins: the nearest one."""
        keys = self._keys
        after = bisect_left(keys, hashed) % len(keys)
        before = after - 1  # -1 is the last one: the ring is closed
        nearer_before = (hashed - keys[before]) & _MASK <= (keys[after] - hashed) & _MASK
        return before % len(keys) if nearer_before else after


class BoundedLoad:
    """One gateway that places streams one by one. `served[i]` counts those of server `i`."""

    def __init__(self, ring: Ring, factor_percent: int = BALANCE_FACTOR) -> None:
        self._ring = ring
        self._factor = factor_percent
        self._total = 0
        self.served = [0] * ring.servers

    def place(self, video_id: str) -> int:
        """Open a stream; the server that gets it."""
        owners = self._ring.owners
        slots = -(-(self._total + 1) * self._factor // 100)
        point = self._ring.start(hash_of(video_id))
        for _ in range(2 * len(owners)):
            if self.served[owners[point]] < self._share(owners[point], slots):
                break
            point = (point + 1) % len(owners)
        server = owners[point]
        self.served[server] += 1
        self._total += 1
        return server

    def leave(self, server: int) -> None:
        """Close a stream of a server."""
        self.served[server] -= 1
        self._total -= 1

    def _share(self, server: int, slots: int) -> int:
        """Whole slots are dealt out so that their sum is `slots`; nobody is left with none."""
        servers = self._ring.servers
        return max((server + 1) * slots // servers - server * slots // servers, 1)
