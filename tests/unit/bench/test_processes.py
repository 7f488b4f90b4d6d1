"""What the kernel says of a process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from bench.child import BenchFailed
from bench.processes import cpu_s_of


def burn(seconds: float) -> None:
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass


def test_cpu_is_read_in_smaller_steps_than_the_kernels_tick() -> None:
    before, began = cpu_s_of(os.getpid()), time.process_time()
    burn(0.003)
    assert cpu_s_of(os.getpid()) - before == pytest.approx(time.process_time() - began, rel=0.3)


def test_cpu_of_a_thread_that_has_ended_still_counts() -> None:
    before = cpu_s_of(os.getpid())
    thread = threading.Thread(target=burn, args=(0.05,))
    thread.start()
    thread.join()
    assert cpu_s_of(os.getpid()) - before >= 0.05


def test_a_process_that_is_gone_has_no_figures() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with pytest.raises(BenchFailed, match="gone"):
        cpu_s_of(child.pid)
