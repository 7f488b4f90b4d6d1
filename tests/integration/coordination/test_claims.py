"""The claims of writers in a real ZooKeeper."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from coordination import (
    Claim,
    ClaimJudge,
    Claims,
    Create,
    Delete,
    Paths,
    Standing,
    Verdict,
    ZooKeeperSession,
    new_boot_id,
)
from tests.integration.coordination.conftest import (
    SESSION_S,
    SHORT_SESSION_S,
    Background,
    Connect,
    Expire,
)
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.zookeeper_server import ZooKeeperServer

LONG_S = 600.0


class Writer:
    """A session with the claim of one life of a writer, and what was decided."""

    def __init__(
        self, session: ZooKeeperSession, store: str, paths: Paths, patience_s: float = LONG_S
    ) -> None:
        self.session, self.boot_id, self.store = session, new_boot_id(), store
        self.path = paths.claim(self.boot_id)
        self.verdict: Verdict | None = None
        self.went_on, self.verdicts = False, 0
        self.gave_way_to = ""
        claim = Claim(self.boot_id, f"w-{store}", "127.0.0.1", store * 12)
        self.claims = Claims(
            session, claim, ClaimJudge(patience_s), on_verdict=self._note, paths=paths
        )

    async def run(self) -> None:
        self.gave_way_to = (await self.claims.run()).boot_id
        await self.session.stop()

    @property
    def standing(self) -> Standing | None:
        return None if self.verdict is None else self.verdict.standing

    @property
    def sees_another(self) -> bool:
        return self.verdict is not None and self.verdict.other is not None

    def _note(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.verdicts += 1
        self.went_on = self.went_on or verdict.standing is Standing.GOES_ON


Begin = Callable[..., Awaitable[Writer]]


@pytest.fixture
async def begin(
    zookeeper: ZooKeeperServer, connect: Connect, background: Background, paths: Paths
) -> Begin:
    async def begin(
        store: str,
        patience_s: float = LONG_S,
        address: str = "",
        session_s: float = SESSION_S,
    ) -> Writer:
        session = await connect(address or zookeeper.address, session_s)
        writer = Writer(session, store, paths, patience_s)
        background(writer.run())
        await eventually(lambda: writer.verdict is not None)
        return writer

    return begin


async def test_writers_with_one_store_go_on(begin: Begin) -> None:
    writers = [await begin("a"), await begin("a")]
    assert [writer.verdict for writer in writers] == [Verdict(Standing.GOES_ON)] * 2


async def test_the_later_one_gives_way_and_the_first_knows_it(begin: Begin) -> None:
    first, later = await begin("a"), await begin("b", patience_s=0)
    await eventually(lambda: later.gave_way_to == first.boot_id)
    assert not later.went_on
    assert first.standing is Standing.GOES_ON


async def test_the_first_sees_another_one_that_waits(begin: Begin) -> None:
    first, later = await begin("a"), await begin("b")
    await eventually(lambda: first.sees_another)
    assert (first.standing, later.standing) == (Standing.GOES_ON, Standing.WAITS)


async def test_the_later_one_goes_on_when_the_session_of_the_first_ends(begin: Begin) -> None:
    first, later = await begin("a"), await begin("b")
    assert later.standing is Standing.WAITS
    await first.session.stop()
    await eventually(lambda: later.verdict == Verdict(Standing.GOES_ON))


async def test_a_new_session_keeps_the_place_in_the_order(
    begin: Begin, zookeeper: ZooKeeperServer
) -> None:
    """The other one began while the first was cut off, and was alone then."""
    async with TcpProxy(zookeeper.port) as proxy:
        first = await begin("a", address=proxy.address, session_s=SHORT_SESSION_S)
        before = first.session.session_id
        proxy.cut()
        later = await begin("b")
        await eventually(lambda: later.went_on)
        proxy.heal()
        await eventually(lambda: first.session.session_id != before)
        await eventually(lambda: first.sees_another)
        assert first.standing is Standing.GOES_ON
        await eventually(lambda: later.standing is Standing.WAITS)


async def test_a_zookeeper_that_lost_all_still_knows_who_was_first(
    begin: Begin, own_zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    session = await connect(own_zookeeper.address)
    for number in range(100):  # transactions before there is a claim
        await session.create(f"/{number}")
    first = await begin("a", address=own_zookeeper.address, session_s=SHORT_SESSION_S)
    before = first.session.session_id
    await own_zookeeper.kill()
    own_zookeeper.discard_data()
    await own_zookeeper.start()
    await eventually(lambda: first.session.session_id != before)
    verdicts = first.verdicts
    await eventually(lambda: first.verdicts > verdicts)
    later = await begin("b", address=own_zookeeper.address)
    assert (first.standing, later.standing) == (Standing.GOES_ON, Standing.WAITS)


async def test_a_claim_goes_with_its_session_and_comes_with_the_next(
    begin: Begin, expire: Expire
) -> None:
    writer = await begin("a")
    before = writer.session.session_id
    await expire(writer.session)
    await eventually(lambda: writer.session.session_id != before)
    other = await begin("b")
    await eventually(lambda: other.standing is Standing.WAITS)


async def test_a_claim_that_somebody_removed_or_replaced_is_made_again(
    begin: Begin, zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    writer, other = await begin("a"), await connect(zookeeper.address)
    await other.delete(writer.path)

    async def ours() -> bool:
        found = await other.exists(writer.path)
        return found is not None and found.owner == writer.session.session_id

    async with asyncio.timeout(20):
        while not await ours():
            await asyncio.sleep(0.02)
    await other.multi([Delete(writer.path), Create(writer.path, b"junk", ephemeral=True)])
    async with asyncio.timeout(20):
        while not await ours():
            await asyncio.sleep(0.02)


async def test_junk_is_counted_and_decides_nothing(begin: Begin, paths: Paths) -> None:
    writer = await begin("a")
    await writer.session.create(f"{paths.claims}/junk")
    await writer.session.create(paths.claim("000000000000001-00000000"), b"junk")
    await eventually(lambda: writer.claims.junk >= 2)
    assert writer.verdict == Verdict(Standing.GOES_ON)


async def test_of_many_that_begin_at_once_all_that_go_on_have_one_store(
    zookeeper: ZooKeeperServer, connect: Connect, background: Background, paths: Paths
) -> None:
    sessions = await asyncio.gather(*(connect(zookeeper.address) for _ in range(6)))
    writers = [
        Writer(session, store, paths, patience_s=1.0)
        for session, store in zip(sessions, "ababca", strict=True)
    ]
    for writer in writers:
        background(writer.run())
    await eventually(lambda: all(each.went_on or each.gave_way_to for each in writers), 60)
    assert len({each.store for each in writers if each.went_on}) == 1
    assert not any(each.went_on and each.gave_way_to for each in writers)
