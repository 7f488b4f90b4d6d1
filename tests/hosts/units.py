"""The units of deploy/systemd, carried out as systemd would for what concerns us: variables, the
command, the working directory, and how a unit is ended.
"""

from __future__ import annotations

import shlex
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "deploy" / "systemd"
EXAMPLES = SYSTEMD / "etc"
COMMON = SYSTEMD / "livecomments-.service.d" / "common.conf"
_INSTALLED = "/opt/livecomments"
_ETC = "/etc/livecomments"


@dataclass(frozen=True, slots=True)
class Unit:
    """A started instance: what runs, with which variables, and how long its end may take."""

    command: list[str]
    environment: dict[str, str]
    stop_within_s: float


def read_unit(role: str, instance: str, etc: Path) -> Unit:
    """`livecomments-<role>@<instance>` of a host whose /etc/livecomments is `etc`."""
    said = read_settings(SYSTEMD / f"livecomments-{role}@.service", instance)
    common = read_settings(COMMON, instance)
    words = [
        word for line in common["Environment"] + said["Environment"] for word in shlex.split(line)
    ]
    environment = dict(word.split("=", 1) for word in words)
    for name in said["EnvironmentFile"]:
        path = Path(_here(name.removeprefix("-"), etc))
        if not (name.startswith("-") and not path.exists()):
            environment |= read_environment(path)
    environment = {name: _here(value, etc) for name, value in environment.items()}
    (line,) = said["ExecStart"]
    command = [sys.executable if word.startswith(_INSTALLED) else word for word in line.split()]
    (limit,) = said["TimeoutStopSec"]
    return Unit(command, environment, float(limit.removesuffix("s")))


def read_environment(path: Path) -> dict[str, str]:
    """As EnvironmentFile."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def write_environment(name: str, folder: Path, **changed: str) -> None:
    """The example of this name with these values instead of its own; it must have them."""
    lines = (EXAMPLES / name).read_text().splitlines()
    for variable, value in changed.items():
        (at,) = [n for n, line in enumerate(lines) if line.startswith(f"{variable}=")]
        lines[at] = f"{variable}={value}"
    (folder / name).write_text("\n".join(lines) + "\n")


def read_settings(path: Path, instance: str = "") -> defaultdict[str, list[str]]:
    """Of one file of a unit: what each name is set to, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value.replace("%i", instance))
    return found


def _here(text: str, etc: Path) -> str:
    return f"{etc}/{text.removeprefix(f'{_ETC}/')}" if text.startswith(f"{_ETC}/") else text
