"""ZooKeeper: the session, who is there, who serves what, and whom to prefer."""

from coordination.claim import Claim, ClaimJudge, Standing, Verdict
from coordination.claims import Claims
from coordination.errors import (
    BadVersion,
    CoordinationError,
    MultiRefused,
    NodeExists,
    NoNode,
    NotEmpty,
    NotSent,
    OutcomeUnknown,
    Refused,
    RouteUnknown,
    ZooKeeperAway,
)
from coordination.hash_ring import HashRing
from coordination.member import Member
from coordination.member_watch import MemberWatch
from coordination.membership import Membership
from coordination.paths import Paths
from coordination.registrar import Registrar
from coordination.resolver import RouteResolver
from coordination.session import ZooKeeperSession
from coordination.sweeper import Sweeper
from coordination.znode import Create, Delete, Stat
from wire.ids import new_boot_id

__all__ = [
    "BadVersion",
    "Claim",
    "ClaimJudge",
    "Claims",
    "CoordinationError",
    "Create",
    "Delete",
    "HashRing",
    "Member",
    "MemberWatch",
    "Membership",
    "MultiRefused",
    "NoNode",
    "NodeExists",
    "NotEmpty",
    "NotSent",
    "OutcomeUnknown",
    "Paths",
    "Refused",
    "Registrar",
    "RouteResolver",
    "RouteUnknown",
    "Standing",
    "Stat",
    "Sweeper",
    "Verdict",
    "ZooKeeperAway",
    "ZooKeeperSession",
    "new_boot_id",
]
