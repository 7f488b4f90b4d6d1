from __future__ import annotations

import pytest

from service.cluster_map import gathering


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who lives is late, however busy the machine: for tests that are not about that."""
    monkeypatch.setattr(gathering, "ROUNDS_S", (2.0, 10.0, 12.0))
