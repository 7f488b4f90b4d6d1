from __future__ import annotations

import pytest

from service import pulse
from service.pulse import Pulse
from tests.support import eventually


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "PULSE_S", 0.001)


async def test_members_are_called_until_they_leave() -> None:
    beat, times, others = Pulse(), list[float](), list[float]()
    beat.add(times.append)
    beat.add(others.append)
    await eventually(lambda: len(times) >= 3 and len(others) >= 3)
    assert times == sorted(times)
    beat.discard(others.append)
    beat.discard(others.append)
    heard = len(others)
    so_far = len(times)
    await eventually(lambda: len(times) >= so_far + 3)
    assert len(others) == heard


async def test_there_is_no_timer_without_a_member() -> None:
    beat, times = Pulse(), list[float]()
    beat.add(times.append)
    beat.discard(times.append)
    await eventually(lambda: beat._timer is None)
    assert times == []
    beat.add(times.append)
    await eventually(lambda: times)


async def test_a_member_may_leave_while_all_are_called() -> None:
    beat, times = Pulse(), list[float]()

    def leave(now: float) -> None:
        times.append(now)
        beat.discard(leave)

    beat.add(leave)
    await eventually(lambda: beat._timer is None)
    assert len(times) == 1
