"""The rules that the compose file keeps; it is read as YAML, no engine is asked."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.docker.memory import limit_mib
from cluster.docker.prepare import CONTROL_HOST
from cluster.docker.subnets import cassandra_address, subnet
from cluster.ops_peers import OPS_ALIAS
from cluster.parts import CONTAINER_PORTS, Kind, part_name
from cluster.settings import MAX_NODES, MAX_OTHERS, Settings

COMPOSE = Path(__file__).resolve().parents[4] / "compose"
FILE: dict[str, Any] = yaml.safe_load((COMPOSE / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = [name for name in SERVICES if re.fullmatch(r"(writer|dispatcher|node)-\d+", name)]
# Their images write configuration into their own file systems before they start.
WRITABLE = re.compile(r"(zookeeper|cassandra)-\d+")
IMAGES = {
    "zookeeper:3.9",
    "cassandra:5.0",
    "redis:7-bookworm",
    "haproxy:3.0",
    "${LIVECOMMENTS_IMAGE:-livecomments}",
}


def test_both_composes_can_read_it() -> None:
    """docker-compose 1.29 takes no `name`, and takes a `version` for another format."""
    assert {key for key in FILE if not key.startswith("x-")} == {"networks", "volumes", "services"}
    assert list(FILE)[-1] == "services", "more of them are added at the end"


def test_a_service_is_called_as_its_part() -> None:
    settings = Settings()
    for kind, count in (
        (Kind.ZOOKEEPER, 3),
        (Kind.WRITER, settings.writers),
        (Kind.DISPATCHER, settings.dispatchers),
        (Kind.NODE, settings.nodes),
        (Kind.CASSANDRA, 3),
        (Kind.REDIS, 1),
        (Kind.HAPROXY, 1),
    ):
        for number in range(1, count + 1):
            assert part_name(kind, number) in SERVICES


def test_only_the_gateway_publishes_and_only_two_ports() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["haproxy"]
    assert published["haproxy"] == [
        "${BIND:-127.0.0.1}:${HTTP_PORT:-8080}:8080",
        "${BIND:-127.0.0.1}:${HTTPS_PORT:-8443}:8443",
    ]


def test_nobody_but_the_gateway_reaches_the_world_or_its_runtime_socket() -> None:
    assert FILE["networks"]["inside"]["internal"] is True
    for name, service in SERVICES.items():
        if name == "haproxy":
            assert set(service["networks"]) == {"inside", "outside"}
            assert service["networks"]["outside"]["aliases"] == [CONTROL_HOST]
        elif name == "prepare":
            assert service["network_mode"] == "none"
        else:
            assert list(service["networks"]) == ["inside"]


def test_each_cassandra_has_its_address_and_the_engine_gives_away_others() -> None:
    (ipam,) = FILE["networks"]["inside"]["ipam"]["config"]
    default = "${NETWORK:-10.213.0}"
    assert ipam["subnet"] == f"{default}.0/24"
    given_away = IPv4Network(ipam["ip_range"].replace(default, "10.213.0"))
    assert given_away.subnet_of(subnet("10.213.0"))
    for number in (1, 2, 3):
        fixed = SERVICES[f"cassandra-{number}"]["networks"]["inside"]["ipv4_address"]
        assert fixed.replace(default, "10.213.0") == cassandra_address("10.213.0", number)
        assert IPv4Address(cassandra_address("10.213.0", number)) not in given_away
    assert SERVICES["prepare"]["environment"]["NETWORK"] == default


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_bounded_and_has_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] in IMAGES
    assert re.fullmatch(r"(\d+|\$\{\w+:-\d+\})m", service["mem_limit"])
    assert service["restart"] == "no", "nothing restarts by itself"
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "privileged" not in service
    assert "cap_add" not in service
    assert "container_name" not in service, "there may be several clusters"
    if not WRITABLE.fullmatch(name):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"prepare"}))
def test_a_container_tells_how_it_is_and_has_time_to_end(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][:2] == ["CMD", "bash"], "no interpreter, no JVM"
    assert service["stop_grace_period"] == "${STOP_GRACE:-30s}" or name not in OURS
    assert "stop_grace_period" in service


@pytest.mark.parametrize("name", OURS)
def test_our_programs_listen_where_the_runtime_looks(name: str) -> None:
    variables = SERVICES[name]["environment"]
    ports = CONTAINER_PORTS[Kind(name.partition("-")[0])]
    assert variables["SERVICE_ID"] == variables["ADVERTISE_HOST"] == name
    assert variables["TLS_DIR"] == f"/tls/{name}"
    assert variables["INTERNAL_PORT"] == str(ports["internal"])
    assert variables["OPS_PORT"] == str(ports["ops"])
    assert variables.get("PUBLIC_PORT") == (str(ports["public"]) if "public" in ports else None)
    assert f"/{ports['ops']} " in SERVICES[name]["healthcheck"]["test"][3]


@pytest.mark.parametrize("name", OURS)
def test_our_programs_share_a_name_by_which_the_map_finds_them(name: str) -> None:
    assert SERVICES[name]["networks"] == {"inside": {"aliases": [OPS_ALIAS]}}
    port = CONTAINER_PORTS[Kind.NODE]["ops"]
    assert SERVICES[name]["environment"]["OPS_PEERS"] == f"${{OPS_PEERS:-{OPS_ALIAS}:{port}}}"


def test_what_a_part_needs_is_waited_for() -> None:
    for name in OURS:
        needs = SERVICES[name]["depends_on"]
        assert needs["prepare"]["condition"] == "service_completed_successfully"
        others = {need["condition"] for other, need in needs.items() if other != "prepare"}
        assert others == {"service_healthy"}
        assert ("cassandra-1" in needs) == name.startswith("writer")
    assert {"node-1", "writer-1", "prepare"} <= set(SERVICES["haproxy"]["depends_on"])


def test_there_is_no_secret_in_it() -> None:
    words = re.compile(r"password|secret|token|private", re.IGNORECASE)
    assert not words.search((COMPOSE / "docker-compose.yml").read_text())
    image = (COMPOSE / "Dockerfile").read_text()
    assert not re.search(r"^(ARG|ENV).*(password|secret|token)", image, re.IGNORECASE | re.M)
    ignored = (COMPOSE.parent / ".dockerignore").read_text().splitlines()
    assert ignored[ignored.index("*") - 1].startswith("#"), "all is left out but what is named"
    assert not [line for line in ignored if line.startswith("!.")]


def test_the_image_gets_what_it_needs() -> None:
    ignored = (COMPOSE.parent / ".dockerignore").read_text().splitlines()
    named = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--)(.+) (\S+)$", (COMPOSE / "Dockerfile").read_text(), re.M)
    sources = [one for what, _ in copies for one in what.split()]
    assert len(copies) == 2
    assert all(into.endswith("/") for what, into in copies if " " in what), "not every builder can"
    packages = {one.parent.name for one in COMPOSE.parent.glob("*/__init__.py")}
    assert {*sources, *packages} - {".", "bench", "planner", "tests"} <= named


def test_the_certificates_key_maker_sees_a_volume_that_nobody_else_sees() -> None:
    with_ca = [
        name
        for name, service in SERVICES.items()
        if any(volume.startswith("ca:") for volume in service.get("volumes", ()))
    ]
    assert with_ca == ["prepare"]


def test_each_part_sees_its_own_key_and_no_other() -> None:
    def mounts(name: str, kind: str) -> set[str]:
        return {one for one in SERVICES[name].get("volumes", ()) if one.startswith(kind)}

    for name in SERVICES:
        own = {f"tls-{name}:/tls/{name}:ro"} if name in OURS else set()
        assert mounts(name, "tls") == own or name == "prepare"
    assert mounts("prepare", "tls") == {f"tls-{name}:/tls/{name}" for name in OURS}
    assert [name for name in SERVICES if mounts(name, "gateway:")] == ["prepare", "haproxy"]


def test_our_image_has_a_folder_for_the_key_of_each_part_that_there_can_be() -> None:
    image = (COMPOSE / "Dockerfile").read_text()
    for role, most in (("writer", MAX_OTHERS), ("dispatcher", MAX_OTHERS), ("node", MAX_NODES)):
        assert f"$(seq -f /tls/{role}-%g {most})" in image


@pytest.mark.parametrize("kind", [Kind.CASSANDRA, Kind.NODE, Kind.SINGLE, Kind.HAPROXY])
def test_memory_that_follows_from_a_variable_fits_its_default(kind: Kind) -> None:
    shared = SERVICES[kind] if kind is Kind.HAPROXY else FILE[f"x-{kind}"]
    assert re.findall(r"\d+", shared["mem_limit"]) == [str(limit_mib(kind, {}))]
    prepared = SERVICES["prepare"]["environment"]["GATEWAY_MIB"]
    assert prepared == SERVICES["haproxy"]["mem_limit"].removesuffix("m")


def test_our_image_has_no_root_and_is_built_in_stages() -> None:
    lines = (COMPOSE / "Dockerfile").read_text().splitlines()
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) == 2
    assert all(line.split()[1] == "python:3.11-slim-bookworm" for line in stages)
    assert lines.index("USER 10001:10001") > lines.index(stages[1])
    assert not lines[0].startswith("# syntax="), "that would need a registry"
