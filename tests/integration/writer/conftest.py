from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.writer.public_api import PublicApi


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[PublicApi]:
    api = await PublicApi(tmp_path / "comments.db").start()
    yield api
    await api.stop()
