"""That all writers of a cluster have one store: else each would number the same videos.

A writer that finds another store with a writer that was here first ends, with exit status 2 and a
sentence. It is not announced, and takes no posts, before that is decided; except while its own
store is away, because then it does not know which one it has: it is decided once that is known.
See coordination.claim for how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from coordination import Claim, ClaimJudge, Claims, Standing, Verdict, ZooKeeperSession
from service.config import ConfigError
from service.shell import Shell
from wire.errors import StoreUnavailable

log = structlog.get_logger()

# ZooKeeper ends sessions up to a tick late (2 s by default), and none sooner than after two ticks.
SESSION_MARGIN_S = 6.0
_STORE_EVERY_S = 1.0


class OneStore:
    """`fetch_epoch`: as `CommentStore.epoch`. session_s: of all writers."""

    def __init__(
        self,
        session: ZooKeeperSession,
        shell: Shell,
        fetch_epoch: Callable[[], Awaitable[str]],
        session_s: float,
    ) -> None:
        self._session, self._shell, self._fetch_epoch = session, shell, fetch_epoch
        self._patience_s = session_s + SESSION_MARGIN_S
        self._may_go_on = asyncio.Event()
        self._told = ""
        self._claims: Claims | None = None
        self.problem: str | None = None

    @property
    def junk(self) -> int:
        """Znodes that are no claims."""
        return 0 if self._claims is None else self._claims.junk

    def start(self, boot_id: str) -> None:
        """Begin to compare; `boot_id`: of this life."""
        self._shell.tasks.spawn(self._compare(boot_id), "one store")

    async def wait(self) -> None:
        """Returns when this writer may take posts."""
        await self._may_go_on.wait()

    async def _compare(self, boot_id: str) -> None:
        service = self._shell.config
        claim = Claim(boot_id, service.id, service.advertise_host, await self._wait_epoch())
        judge = ClaimJudge(self._patience_s)
        self._claims = Claims(self._session, claim, judge, on_verdict=self._on_verdict)
        self._shell.tasks.fail(ConfigError(_refusal(claim, await self._claims.run())))

    async def _wait_epoch(self) -> str:
        while True:
            try:
                return await self._fetch_epoch()
            except StoreUnavailable:
                self._may_go_on.set()
            await asyncio.sleep(_STORE_EVERY_S)

    def _on_verdict(self, verdict: Verdict) -> None:
        other = verdict.other
        self.problem = None if other is None else f"{_named(other)} has another store"
        if verdict.standing is Standing.GOES_ON:
            self._may_go_on.set()
        about = "" if other is None else verdict.standing.value + other.boot_id
        if other is not None and about != self._told:
            log.warning(
                "another_store",
                writer=other.writer,
                host=other.host,
                epoch=other.epoch,
                this_one=verdict.standing.value,
                gone_within_s=self._patience_s,
            )
        self._told = about


def _named(claim: Claim) -> str:
    return f"writer {claim.writer} on {claim.host}"


def _refusal(own: Claim, other: Claim) -> str:
    return (
        f"{_named(other)} was here first and has another store (epoch {other.epoch}, here"
        f" {own.epoch}): each would number the same videos. All writers of a cluster need one"
        " store: on several hosts Cassandra or DynamoDB (see STORE), the same for all; a SQLite"
        " file is for writers of one host. To go on with this store, end that writer first"
    )
