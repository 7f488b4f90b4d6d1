"""A cluster over network namespaces as hosts: each role cut off once and a node that moves; and
three hosts that each run everything, of which one is cut off and all are restarted in turn.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts.layout import CLIENT, LAYOUTS
from tests.hosts.network import Network, why_no_network
from tests.hosts.units import ROOT
from tests.support import TIMEOUT_FACTOR

_WITHIN_S = 600.0
_WHY_NOT = why_no_network()


@pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))
@pytest.mark.timeout(_WITHIN_S * 1.2 * TIMEOUT_FACTOR)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_lost_whichever_host_is_cut_off(tmp_path: Path, layout: str) -> None:
    prefix = f"lc{os.getpid()}"
    network = Network(prefix, LAYOUTS[layout].addresses)
    with network.run():
        drill = [sys.executable, "-m", "tests.hosts", layout, str(tmp_path), prefix]
        done = subprocess.run(
            network.command(CLIENT, *drill),
            cwd=ROOT, capture_output=True, text=True, timeout=_WITHIN_S * TIMEOUT_FACTOR,
        )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "impact" in done.stdout
