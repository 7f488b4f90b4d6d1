"""libfaketime: another wall clock for one process (Debian: `apt-get install faketime`).

Never its monotonic clock: with that one faked, Python's waits hang for ever.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_PLACES = (
    "usr/lib/*/faketime/libfaketime.so.1",
    "usr/lib*/faketime/libfaketime.so.1",
    "usr/local/lib/faketime/libfaketime.so.1",
)


def find_faketime() -> str:
    """Its path, for LD_PRELOAD. Skips the test where it is not installed."""
    found = [path for place in _PLACES for path in Path("/").glob(place)]
    if not found:
        pytest.skip("because faketime is not installed")
    return str(found[0])
