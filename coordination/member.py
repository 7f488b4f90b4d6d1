"""One process as the others see it, and its form in a znode.

The znode's path says role and id, its data the rest as JSON. Fields that are not known are skipped
(a newer process may say more), anything else that is not right makes the whole znode junk. What a
znode says is never trusted beyond "try to call there": the certificate proves who answers.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.hosts import MAX_HOST, is_host
from wire.ids import is_boot_id
from wire.roles import Peer, Role

MAX_MEMBER_BYTES = 1024


class Member(msgspec.Struct, frozen=True):
    """A process of the cluster. `boot_id` (see `new_boot_id`) tells its lives apart."""

    role: Role
    id: str
    host: str
    port: int
    boot_id: str
    version: str = ""

    @property
    def peer(self) -> Peer:
        """How to call it."""
        return Peer(self.role, self.id, self.host, self.port)


class _Data(msgspec.Struct, frozen=True):
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_HOST)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    boot_id: str
    version: Annotated[str, msgspec.Meta(max_length=64)] = ""


_decoder = msgspec.json.Decoder(_Data)


def encode_member(member: Member) -> bytes:
    """The data of the member's znode."""
    return msgspec.json.encode(_Data(member.host, member.port, member.boot_id, member.version))


def decode_member(role: Role, member_id: str, data: bytes) -> Member | None:
    """The member that a znode describes, or None if the data is junk."""
    if len(data) > MAX_MEMBER_BYTES:
        return None
    try:
        found = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not is_host(found.host) or not is_boot_id(found.boot_id):
        return None
    return Member(role, member_id, found.host, found.port, found.boot_id, found.version)
