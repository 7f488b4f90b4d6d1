"""A gateway with the usual servers behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.cluster.servers.gateway_support import (
    GatewayUnderTest,
    Upstream,
    answer_json,
    open_stream,
)


@pytest.fixture
def setup(tmp_path: Path) -> GatewayUnderTest:
    """Not running yet: a test may change it first."""
    return GatewayUnderTest(
        tmp_path,
        [Upstream(n, open_stream) for n in (1, 2, 3)],
        [Upstream(n, answer_json) for n in (1, 2)],
    )


@pytest.fixture
async def gateway(setup: GatewayUnderTest) -> AsyncIterator[GatewayUnderTest]:
    """Running."""
    async with setup.run():
        yield setup
