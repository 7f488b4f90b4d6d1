from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from identity.key_ring import KeyRing, KeyTimes
from identity.key_source import KeysNotFetched
from service.tasks import TaskHome
from tests.support import eventually
from tests.tokens import Signer, jwks
from wire.errors import KeysUnavailable, TokenInvalid

ONE, TWO = Signer("one"), Signer("two")
NEVER = KeyTimes(every_s=1e6, unknown_every_s=30.0, kept_s=1000.0)


class Source:
    """Answers with `reply`, when `open` is set."""

    secrets = False

    def __init__(self) -> None:
        self.reply: bytes | str = jwks(ONE)
        self.open = asyncio.Event()
        self.open.set()
        self.fetches = self.at_once = 0

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def fetch(self) -> bytes:
        self.fetches += 1
        self.at_once += 1
        assert self.at_once == 1
        await self.open.wait()
        self.at_once -= 1
        if isinstance(self.reply, str):
            raise KeysNotFetched(self.reply)
        return self.reply


class Rig:
    """A ring with a source and a clock of its own."""

    def __init__(self, times: KeyTimes = NEVER) -> None:
        self.source, self.tasks, self.now = Source(), TaskHome(), 5000.0
        self.ring = KeyRing(self.source, times, clock=lambda: self.now)

    async def start(self) -> KeyRing:
        await self.ring.start(self.tasks)
        return self.ring


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    await made.tasks.aclose()


async def test_a_known_key_costs_no_fetch(rig: Rig) -> None:
    ring = await rig.start()
    for _ in range(10):
        assert (await ring.find("one")).kid == "one"
        assert (await ring.find(None)).kid == "one"
    assert rig.source.fetches == 1
    assert ring.problem is None


async def test_a_thousand_unknown_names_cost_one_fetch_in_half_a_minute(rig: Rig) -> None:
    ring = await rig.start()
    rig.now += 30
    for number in range(1000):
        with pytest.raises(TokenInvalid):
            await ring.find(f"k{number}")
    assert rig.source.fetches == 2
    rig.now += 29.9
    with pytest.raises(TokenInvalid):
        await ring.find("k")
    assert rig.source.fetches == 2
    rig.now += 0.1
    with pytest.raises(TokenInvalid):
        await ring.find("k")
    assert rig.source.fetches == 3


async def test_all_who_ask_at_once_wait_for_one_fetch(rig: Rig) -> None:
    ring = await rig.start()
    rig.now += 30
    rig.source.reply = jwks(ONE, TWO)
    rig.source.open.clear()
    asking = [asyncio.ensure_future(ring.find("two")) for _ in range(100)]
    known = await ring.find("one")
    rig.source.open.set()
    assert {key.kid for key in await asyncio.gather(*asking)} == {"two"}
    assert known.kid == "one"
    assert rig.source.fetches == 2


async def test_a_caller_who_gives_up_leaves_the_fetch_to_the_others(rig: Rig) -> None:
    ring = await rig.start()
    rig.now += 30
    rig.source.reply = jwks(TWO)
    rig.source.open.clear()
    first, second = (asyncio.ensure_future(ring.find("two")) for _ in range(2))
    await eventually(lambda: rig.source.fetches == 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    rig.source.open.set()
    assert (await second).kid == "two"


async def test_a_withdrawn_key_counts_no_longer(rig: Rig) -> None:
    ring = await rig.start()
    before = ring.digest
    rig.now += 30
    rig.source.reply = jwks(TWO)
    assert (await ring.find("two")).kid == "two"
    with pytest.raises(TokenInvalid):
        await ring.find("one")
    assert ring.digest != before


@pytest.mark.parametrize("reply", ["away", b"junk", b'{"keys":[' + b"1," * 40 + b"1]}"])
async def test_the_last_good_set_is_kept_while_there_is_no_better(
    rig: Rig, reply: str | bytes
) -> None:
    ring = await rig.start()
    rig.now += 30
    rig.source.reply = reply
    with pytest.raises(KeysUnavailable) as caught:
        await ring.find("two")
    assert caught.value.headers == {"Retry-After": "30"}
    assert (await ring.find("one")).kid == "one"
    assert ring.problem is not None
    rig.now += 969.9
    assert (await ring.find("one")).kid == "one"
    rig.now += 0.1
    assert not ring.usable
    with pytest.raises(KeysUnavailable):
        await ring.find("one")


async def test_a_source_that_was_away_at_the_start_is_tried_again() -> None:
    rig = Rig(KeyTimes(every_s=1e6, unknown_every_s=0.01))
    rig.source.reply = "away"
    ring = await rig.start()
    with pytest.raises(KeysUnavailable):
        await ring.find("one")
    rig.source.reply = jwks(ONE)
    rig.now += 1
    await eventually(lambda: ring.problem is None)
    assert (await ring.find("one")).kid == "one"
    await rig.tasks.aclose()


async def test_keys_are_fetched_again_and_again() -> None:
    rig = Rig(KeyTimes(every_s=0.001, unknown_every_s=0.001))
    await rig.start()
    for fetches in range(2, 5):
        rig.now += 1
        await eventually(lambda at_least=fetches: rig.source.fetches >= at_least)
    await rig.tasks.aclose()


async def test_a_set_without_a_key_is_a_problem_and_ends_the_one_before(rig: Rig) -> None:
    ring = await rig.start()
    rig.now += 30
    rig.source.reply = b'{"keys":[]}'
    for kid in ("two", "one"):
        with pytest.raises(KeysUnavailable):
            await ring.find(kid)
    assert ring.problem == "keys: the set has none that can be used"
