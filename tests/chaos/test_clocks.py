"""T65: wall clocks that jump by an hour, forth and back. All that waits goes by the monotonic
clock, so nothing may be observed; only `created_at` and figures tell another time.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from cluster import ca
from cluster.parts import Kind
from cluster.settings import Settings
from tests.chaos.cluster_under_test import ClusterUnderTest, standing
from tests.chaos.rows import row
from tests.chaos.run import ENVIRONMENT
from tests.chaos.starvation import ClockJump
from tests.chaos.traffic import Shape
from tests.preload import WallClock
from tests.support import TIMEOUT_FACTOR

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 * TIMEOUT_FACTOR)]

KINDS = (Kind.WRITER, Kind.DISPATCHER, Kind.NODE)
HOUR_S = 3600


@pytest.fixture(scope="module")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, WallClock]:
    """One for each role."""
    folder = tmp_path_factory.mktemp("clocks")
    return {kind: WallClock(folder, str(kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def bent(
    clocks: dict[Kind, WallClock], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterUnderTest]:
    """A cluster whose certificates are older than any jump."""
    roles = {str(kind): clock.environment for kind, clock in clocks.items()}
    environment = {**roles, "all": ENVIRONMENT["all"]}
    environment["node"] |= ENVIRONMENT["node"]
    settings = Settings(name="clocks", environment=environment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ca, "_BACKDATE", dt.timedelta(days=2))
        with standing(settings, tmp_path_factory.mktemp("home")) as under_test:
            yield under_test


@pytest.fixture
async def whole(bent: ClusterUnderTest) -> AsyncIterator[ClusterUnderTest]:
    await bent.cluster.up()
    yield bent
    await bent.cluster.up()


@pytest.mark.parametrize("kinds", [*((kind,) for kind in KINDS), KINDS], ids="-".join)
async def test_t65_clocks_jump_by_an_hour(
    whole: ClusterUnderTest, clocks: dict[Kind, WallClock], kinds: tuple[Kind, ...]
) -> None:
    """Forth and back, and back and forth again: no time in which anything may be late."""
    # No moderator: a token is good for a time, and by the writers' clocks it is not.
    async with row("T65", whole, Shape(removals=0)) as it:
        for offset_s in (HOUR_S, -HOUR_S):
            jump = ClockJump(whole, kinds, 0.0, True, only_routes=True, offset_s=offset_s)
            jump.clocks = [clocks[kind] for kind in kinds]
            await it.strike(jump, hold_s=10.0)
        stored = it.load.history
    told = {
        comment["created_at"]
        for post in stored.posts
        for call in post.acks
        if (comment := call.answer) is not None
    }
    ages_s = [time.time() - dt.datetime.fromisoformat(at).timestamp() for at in told]
    jumped = any(age < 0 for age in ages_s) and any(age > HOUR_S for age in ages_s)
    assert jumped is (Kind.WRITER in kinds)  # the clocks really were bent
