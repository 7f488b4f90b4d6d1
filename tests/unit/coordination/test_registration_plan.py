from __future__ import annotations

import pytest

from coordination.paths import Paths
from coordination.registration_plan import (
    Found,
    Identity,
    Owner,
    plan_deregistering,
    plan_registering,
)
from coordination.znode import Create, Delete, Stat

OLD, BOOT, NEW = (f"{number:015d}-00000000".encode() for number in (1, 2, 3))
ME = Identity("n1", BOOT.decode(), session_id=7)
PARENT, PATH = "/livecomments/videos/v", "/livecomments/videos/v/n1"
CREATE = Create(PATH, BOOT, ephemeral=True)


def registration(owner: int, data: bytes = BOOT) -> tuple[bytes, Stat]:
    return data, Stat(owner=owner, version=4, children=0)


@pytest.mark.parametrize(
    ("found", "owner"),
    [
        (None, Owner.NOBODY),
        (registration(7), Owner.OURS),
        (registration(7, b"junk"), Owner.OURS),
        (registration(6), Owner.EARLIER),
        (registration(6, OLD), Owner.EARLIER),
        (registration(6, NEW), Owner.NEWER),
        (registration(6, b"\xff junk"), Owner.EARLIER),
        (registration(0, NEW), Owner.EARLIER),
    ],
)
def test_the_owner_of_a_registration(found: tuple[bytes, Stat] | None, owner: Owner) -> None:
    assert ME.owner_of(found) is owner


@pytest.mark.parametrize(
    ("found", "plan"),
    [
        (Found(None, None), (Create(PARENT), CREATE)),
        (Found([], None), (CREATE,)),
        (Found(["n2"], None), (CREATE,)),
        (Found(["n1"], registration(7)), ()),
        (Found(["n1", "n2"], registration(6)), (Delete(PATH, 4), CREATE)),
    ],
)
def test_registering(found: Found, plan: tuple[object, ...]) -> None:
    assert plan_registering(Paths(), ME, "v", found) == plan


@pytest.mark.parametrize(
    ("found", "plan"),
    [
        (Found(None, None), ()),
        (Found([], None), (Delete(PARENT),)),
        (Found(["n2"], None), ()),
        (Found(["n1"], registration(7)), (Delete(PATH, 4), Delete(PARENT))),
        (Found(["n1", "n2"], registration(7)), (Delete(PATH, 4),)),
        (Found(["n1"], None), ()),  # it went between the two reads: look again some other time
    ],
)
def test_deregistering(found: Found, plan: tuple[object, ...]) -> None:
    assert plan_deregistering(Paths(), ME, "v", found) == plan
