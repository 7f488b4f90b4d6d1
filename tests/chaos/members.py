"""Commenters with a token of their own, whom a moderator may sanction: without one nobody has an
author id.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cluster.issuer import AUTHOR_ID_KEY, ISSUER, DevelopmentIssuer
from identity.author_id import AuthorIds

_TOKEN_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Member:
    """`header`: what its calls carry."""

    name: str
    author_id: str
    header: str


def members_of(issuer: Path, count: int) -> list[Member]:
    """So many that the cluster with this `DevelopmentIssuer` believes. Raises OSError, ValueError
    if that cannot be read.
    """
    signer = DevelopmentIssuer.load(issuer)
    ids = AuthorIds((issuer / AUTHOR_ID_KEY).read_bytes())
    found = []
    for number in range(count):
        subject, name = f"member-{number}", f"member {number}"
        token = signer.token({"sub": subject, "name": name}, {}, _TOKEN_S)
        author_id = ids.find(ISSUER, subject)
        found.append(Member(name, author_id, f"Authorization: Bearer {token}"))
    return found
