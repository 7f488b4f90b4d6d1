from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WALK = Path(__file__).with_name("log_list.mjs")


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node")
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_piece_of_the_log_has_no_hole_and_all_of_it_can_be_reached(seed: int) -> None:
    done = subprocess.run(["node", str(WALK), str(seed)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
