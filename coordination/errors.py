"""What can go wrong with ZooKeeper, as a small tree. kazoo's exceptions become these in
`requests_in_flight.py`.

CoordinationError
|- ZooKeeperAway        there is no connection: try again when there is one
|  |- NotSent           the request never left this process
|  `- OutcomeUnknown    it may have been carried out or not: read before deciding anything
|- RouteUnknown         no route in memory, and none could be read in time
`- Refused              ZooKeeper refused, and nothing was changed; or its reply cannot be read,
   |                    and the outcome is unknown (every caller reads before it tries again)
   |- NoNode            the znode (or its parent) does not exist
   |- NodeExists        it exists already
   |- NotEmpty          it has children
   |- NoWatch           we have no watch on it
   |- BadVersion        it was changed or replaced since it was read
   `- MultiRefused      a transaction: which of its operations failed, and why
"""

from __future__ import annotations

from wire.errors import LivecommentsError


class CoordinationError(LivecommentsError):
    """Root of the tree."""

    status = 503
    code = "coordination_failed"
    title = "ZooKeeper did not do it"


class ZooKeeperAway(CoordinationError):
    """There is no connection to ZooKeeper."""

    code = "zookeeper_away"
    title = "ZooKeeper is away"


class NotSent(ZooKeeperAway):
    """The request was not sent, so nothing happened."""


class OutcomeUnknown(ZooKeeperAway):
    """The connection or the session was lost before the reply; the request may have been done."""


class RouteUnknown(CoordinationError):
    """Which nodes serve the video is not known yet."""

    code = "route_unknown"
    title = "The route of the video is not known"


class Refused(CoordinationError):
    """ZooKeeper refused the request, or its reply cannot be read."""

    code = "coordination_refused"
    title = "ZooKeeper refused it"


class NoNode(Refused):
    """The znode or its parent does not exist."""


class NodeExists(Refused):
    """The znode exists already."""


class NotEmpty(Refused):
    """The znode has children."""


class NoWatch(Refused):
    """We have no watch on the znode."""


class BadVersion(Refused):
    """The znode is not the one that was read."""


class MultiRefused(Refused):
    """Operation number `index` of a transaction was refused with `cause`; none was carried out."""

    def __init__(self, index: int, cause: Refused) -> None:
        super().__init__(f"operation {index}: {type(cause).__name__}")
        self.index = index
        self.cause = cause
