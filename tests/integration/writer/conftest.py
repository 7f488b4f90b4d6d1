from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.writer.public_api import PublicApi
from tests.support import started


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[PublicApi]:
    async with started(PublicApi(tmp_path / "comments.db")) as api:
        yield api
