"""A process for tests of the runner: `python tiny_service.py`, behaviour by environment.

It prints a line on standard output for each step, so that a test knows where it is.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from service.config import EnvReader, ServiceConfig
from service.health import Health
from service.runner import main
from service.tasks import TaskHome
from wire.roles import Role


@dataclass(frozen=True)
class Config:
    service: ServiceConfig
    behaviour: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        env = EnvReader(environ)
        config = cls(ServiceConfig.read(env, Role.WRITER), env.text("BEHAVIOUR", "good"))
        env.done()
        return config


class TinyService:
    def __init__(self, config: Config) -> None:
        if config.behaviour == "unbuildable":
            raise OSError("no certificates")
        self._behaviour = config.behaviour
        self.health = Health()
        self.tasks = TaskHome()

    async def start(self) -> None:
        say("starting")
        if self._behaviour == "broken start":
            raise OSError("port taken")
        if self._behaviour == "endless start":
            await asyncio.sleep(1_000)
        if self._behaviour == "dies while starting":
            self.tasks.spawn(self._die(), "dying")
            await asyncio.sleep(1_000)
        if self._behaviour == "dies":
            self.tasks.spawn(self._die(), "dying")
        say("started")

    async def drain(self) -> None:
        say("draining")
        if self._behaviour == "slow drain":
            await asyncio.sleep(1_000)
        if self._behaviour == "broken drain":
            raise RuntimeError("half drained")
        say("drained")

    async def stop(self) -> None:
        await self.tasks.aclose()
        say("stopped")

    async def _die(self) -> None:
        raise RuntimeError("a task has died")


def say(word: str) -> None:
    print(word, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("LOG_FORMAT", "json")
    main(Config.from_env, TinyService)
