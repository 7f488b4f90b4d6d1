"""A network that nothing on the machine uses."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from cluster.docker.subnets import RANGES, find_free, is_free, read_routes, subnet
from cluster.errors import ClusterError

# A default route, a bridge and a network of the company's, as the kernel writes them.
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t0000D50A\t00000000\t0001\t0\t0\t0\t0080FFFF\t0\t0\t0
"""


def routes(folder: Path) -> list[IPv4Network]:
    (folder / "route").write_text(ROUTES)
    return read_routes(folder / "route")


def test_the_default_route_is_everybodys(tmp_path: Path) -> None:
    assert list(map(str, routes(tmp_path))) == ["172.17.0.0/16", "10.213.0.0/17"]
    assert read_routes(tmp_path / "no such file") == []


def test_what_is_taken_is_passed_by(tmp_path: Path) -> None:
    taken = [*routes(tmp_path), subnet("10.213.200")]
    assert find_free(7, []) == "10.213.7"
    assert find_free(7, taken) == "10.213.128"
    assert find_free(200, taken) == "10.213.201"
    assert find_free(255 + 256, [*taken, subnet("10.213.255")]) == "10.213.128"
    assert not is_free("172.17.3", taken)


def test_the_next_range_is_tried_and_the_end_is_told() -> None:
    whole = [IPv4Network(f"{one}.0.0/16") for one in RANGES]
    assert find_free(7, whole[:1]) == f"{RANGES[1]}.7"
    with pytest.raises(ClusterError, match="is in use on this machine"):
        find_free(7, whole)
