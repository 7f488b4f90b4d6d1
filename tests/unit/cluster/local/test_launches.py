"""What the parts of a local cluster are told."""

from __future__ import annotations

from pathlib import Path

from cluster.folder import ClusterFolder
from cluster.local.launches import Launches
from cluster.parts import BEHIND_GATEWAY, ROLES, parts_of, port_keys, wanted
from cluster.settings import Settings


def test_the_gateway_of_this_machine_is_believed_by_all_behind_it(tmp_path: Path) -> None:
    settings = Settings("small", runtime="local")
    wanted_ports = (port_keys(kind, number) for kind, number in wanted(settings))
    ports = {key: 1000 for keys in wanted_ports for key in keys.values()}
    parts = parts_of(settings, ports)
    launches = Launches(ClusterFolder(tmp_path, "small"), settings, parts, {})
    for part in (part for part in parts if part.kind in ROLES):
        told = launches.environment(part).get("TRUSTED_PROXIES")
        assert told == ("127.0.0.1" if part.kind in BEHIND_GATEWAY else None)
