"""The SDK that STORE=dynamodb needs, in the environment that this command runs in: it is large, and
nobody else needs it.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from cluster.errors import NotInstalled

_CHECKOUT = Path(__file__).resolve().parents[2]
_BOOTSTRAP = _CHECKOUT / "cluster" / "bootstrap.sh"
_SDK = "aiobotocore"


def ensure() -> None:
    """Install what requirements-dynamodb.txt pins, if this is the checkout's own environment; else
    look whether the SDK is there. Raises NotInstalled.
    """
    environment = Path(sys.prefix)
    if _is_ours(environment):
        done = subprocess.run([_BOOTSTRAP, "dynamodb", str(environment)], stdin=subprocess.DEVNULL)
        if done.returncode:
            raise NotInstalled("the packages of requirements-dynamodb.txt could not be installed")
        importlib.invalidate_caches()
    elif importlib.util.find_spec(_SDK) is None:
        raise NotInstalled(f"{_SDK} is not in {environment}; pip install 'livecomments[dynamodb]'")


def _is_ours(environment: Path) -> bool:
    """Whether cluster/bootstrap.sh made it, here."""
    try:
        return (environment / ".made-in").read_text() == str(_CHECKOUT)
    except FileNotFoundError:
        return False
