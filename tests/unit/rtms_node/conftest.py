from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rtms_node.limits import Limits
from rtms_node.testing import ManualClock
from tests.unit.rtms_node.node_world import Node

QUICK = Limits(
    repair_after_s=0.001, retry_read_s=0.001, tick_min_s=0.001, linger_s=0.001, parting_s=0.001
)
MakeNode = Callable[..., Node]


@pytest.fixture
async def node() -> Node:
    return Node(QUICK)


@pytest.fixture
def slow_node() -> Node:
    """With the limits as they are, and a clock that the test moves."""
    return Node(Limits(), clock=ManualClock())


@pytest.fixture
def make_node() -> MakeNode:
    def make(**limits: Any) -> Node:
        return Node(replace(QUICK, **limits))

    return make
