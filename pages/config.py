"""Who may put a page of ours into a frame of theirs."""

from __future__ import annotations

from dataclasses import dataclass

from service.config import EnvReader
from wire.hosts import is_loopback
from wire.origins import ANY

SELF = "'self'"
# Of a page that somebody tries on the own machine, whatever serves it.
_TRIED_HERE = ("http://localhost:*", "http://127.0.0.1:*")
_NAME = "EMBED_ORIGINS"


@dataclass(frozen=True, slots=True)
class PagesConfig:
    """embed_origins: sources of a Content-Security-Policy, whose pages may frame `/embed/`."""

    embed_origins: tuple[str, ...] = (SELF,)

    @classmethod
    def read(cls, env: EnvReader, bind_host: str) -> PagesConfig:
        """Read the settings from `env`; faults are left in `env`. bind_host: where the process
        listens, which counts as published where nothing else is said.
        """
        origins = env.origins(_NAME)
        for origin in origins:
            if "[" in origin:  # the grammar of a policy has no IPv6 addresses
                env.fault(f"{_NAME}: {origin}: browsers accept no IPv6 address here, use a name")
        if ANY in origins:
            return cls((ANY,))
        if not origins and is_loopback(env.text("PUBLISHED_ON", bind_host)):
            origins = _TRIED_HERE
        return cls((SELF, *origins))
