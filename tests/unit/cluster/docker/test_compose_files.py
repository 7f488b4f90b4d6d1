"""What compose reads for one cluster."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.docker.compose_files import BASE, MADE_FROM, ComposeFiles
from cluster.errors import ClusterError
from cluster.parts import find_part, parts_of
from cluster.runtime import Plan
from cluster.runtimes import BASE_IMAGE, IMAGES
from cluster.settings import Settings

SETTINGS = Settings(
    "small",
    runtime="docker",
    nodes=5,
    zookeepers=1,
    environment={"all": {"LOG_LEVEL": "debug"}, "node-5": {"DRAIN_WINDOW_S": "60"}},
)
PORTS = {"haproxy/http": 18080, "haproxy/https": 18443}


def plan_of(settings: Settings) -> Plan:
    return Plan(settings, parts_of(settings, PORTS))


def files_in(folder: Path) -> ComposeFiles:
    files = ComposeFiles(folder, "project-1")
    files.network = "10.213.7"
    return files


def made_from(folder: Path, settings: Settings, name: str) -> str:
    plan = plan_of(settings)
    return files_in(folder).made_from(plan, find_part(list(plan.parts), name))


def written(folder: Path, settings: Settings) -> tuple[dict[str, Any], dict[str, Any], str]:
    files_in(folder).write(plan_of(settings))
    compose = yaml.safe_load((folder / "docker-compose.yml").read_text())
    override = json.loads((folder / "docker-compose.override.yml").read_text())
    return compose["services"], override["services"], (folder / ".env").read_text()


def test_a_part_that_the_file_lacks_is_like_the_others(tmp_path: Path) -> None:
    services, _, _ = written(tmp_path, SETTINGS)
    ours, known = services["node-5"], services["node-1"]
    assert ours["environment"].pop("SERVICE_ID") == "node-5"
    assert ours["environment"].pop("ADVERTISE_HOST") == "node-5"
    assert ours["environment"].pop("TLS_DIR") == "/tls/node-5"
    assert ours.pop("volumes") == ["tls-node-5:/tls/node-5:ro", "tickets:/tickets:ro"]
    assert known.pop("volumes") == ["tls-node-1:/tls/node-1:ro", "tickets:/tickets:ro"]
    same = {"SERVICE_ID", "ADVERTISE_HOST", "TLS_DIR"}
    known["environment"] = {k: v for k, v in known["environment"].items() if k not in same}
    assert ours == known
    assert "node-6" not in services


def test_a_part_that_the_file_lacks_gets_a_key_of_its_own(tmp_path: Path) -> None:
    written(tmp_path, SETTINGS)
    override = json.loads((tmp_path / "docker-compose.override.yml").read_text())
    added = {"tls-node-4", "tls-node-5"}
    assert set(override["volumes"]) == added
    assert set(override["services"]["prepare"]["volumes"]) == {
        f"{name}:/tls/{name.removeprefix('tls-')}" for name in added
    }
    services, _, _ = written(tmp_path, dataclasses.replace(SETTINGS, writers=3))
    shared = ["comments:/data", "issuer:/issuer:ro", "tickets:/tickets:ro"]
    assert services["writer-3"]["volumes"] == ["tls-writer-3:/tls/writer-3:ro", *shared]
    assert services["writer-1"]["volumes"] == ["tls-writer-1:/tls/writer-1:ro", *shared]
    services, _, _ = written(tmp_path, dataclasses.replace(SETTINGS, topology="single"))
    assert services["single-1"]["volumes"] == shared, "nobody calls it inside"


def test_every_topology_finds_its_services(tmp_path: Path) -> None:
    for topology in ("single", "broadcast", "partitioned", "gateway", "dispatcher"):
        settings = dataclasses.replace(SETTINGS, topology=topology)
        services, override, _ = written(tmp_path, settings)
        assert {part.name for part in plan_of(settings).parts} <= set(services)
        assert set(override) <= set(services)


def test_variables_of_a_part_are_its_own(tmp_path: Path) -> None:
    _, override, _ = written(tmp_path, SETTINGS)
    assert override["node-5"]["environment"] == {"LOG_LEVEL": "debug", "DRAIN_WINDOW_S": "60"}
    assert override["writer-1"]["environment"] == {"LOG_LEVEL": "debug"}
    assert override["haproxy"]["environment"] == {}


def test_channels_are_as_many_for_all_parts(tmp_path: Path) -> None:
    settings = dataclasses.replace(
        SETTINGS, topology="partitioned", environment={"all": {"CHANNELS": "8"}}
    )
    services, override, _ = written(tmp_path, settings)
    for name in ("writer-1", "writer-2", "node-1", "node-5"):
        assert services[name]["environment"]["CHANNELS"] == "${CHANNELS:-64}", "by hand"
        assert override[name]["environment"]["CHANNELS"] == "8"


CASSANDRAS = dataclasses.replace(
    SETTINGS,
    store="cassandra",
    cassandras=3,
    environment={
        "all": {"CASSANDRA_HEAP": "512M"},
        "cassandra": {"CASSANDRA_HEAP": "1G", "CASSANDRA_JVM_OPTIONS": "-Da=$b"},
        "cassandra-3": {"CASSANDRA_HEAP": "2048m", "CASSANDRA_JVM_OPTIONS": "-Dc=d"},
    },
)


def test_a_cassandra_has_the_variables_of_its_role_and_its_own(tmp_path: Path) -> None:
    services, override, variables = written(tmp_path, CASSANDRAS)
    assert override["cassandra-1"]["environment"] == {"MAX_HEAP_SIZE": "1024M"}
    assert override["cassandra-3"]["environment"] == {"MAX_HEAP_SIZE": "2048M"}
    lines = variables.splitlines()
    for number, options in ((1, "-Da=$b"), (2, "-Da=$b"), (3, "-Dc=d")):
        assert f"CASSANDRA_{number}_JVM_OPTIONS='{options}'" in lines
        told = services[f"cassandra-{number}"]["environment"]["JVM_EXTRA_OPTS"]
        assert told.endswith(f" ${{CASSANDRA_{number}_JVM_OPTIONS:-}}")


def test_a_container_may_take_what_its_variables_ask_for(tmp_path: Path) -> None:
    _, override, _ = written(tmp_path, CASSANDRAS)
    assert override["cassandra-1"]["mem_limit"] == "2648m", "twice the heap, and 600m"
    assert override["cassandra-3"]["mem_limit"] == "4696m"
    budget = {"node": {"FRAME_BUDGET_MIB": "1024"}, "node-2": {"FRAME_BUDGET_MIB": "64"}}
    _, override, _ = written(tmp_path, dataclasses.replace(SETTINGS, environment=budget))
    assert override["node-1"]["mem_limit"] == "1600m"
    assert override["node-2"]["mem_limit"] == "400m"
    assert "mem_limit" not in override["writer-1"]
    room = dataclasses.replace(SETTINGS, environment={"haproxy": {"GATEWAY_MIB": "2048"}})
    _, override, _ = written(tmp_path, room)
    assert override["haproxy"]["mem_limit"] == "2048m"
    assert override["prepare"]["environment"]["GATEWAY_MIB"] == "2048", "for its connections"


def test_the_gateway_welcomes_the_origins_of_its_own_scope(tmp_path: Path) -> None:
    origins = {
        "all": {"CORS_ORIGINS": "https://a.example"},
        "haproxy": {"CORS_ORIGINS": "https://b.example"},
    }
    written(tmp_path, dataclasses.replace(SETTINGS, environment=origins))
    override = json.loads((tmp_path / "docker-compose.override.yml").read_text())["services"]
    assert override["prepare"]["environment"]["CORS_ORIGINS"] == "https://b.example"
    assert override["node-1"]["environment"]["CORS_ORIGINS"] == "https://a.example"


def test_the_network_of_the_gateway_is_believed_by_all_behind_it(tmp_path: Path) -> None:
    services, _, variables = written(tmp_path, SETTINGS)
    for name in ("writer-1", "node-1", "node-5"):
        told = services[name]["environment"]["TRUSTED_PROXIES"]
        assert told == "${NETWORK:-10.213.0}.0/24"
    assert "NETWORK='10.213.7'" in variables.splitlines()
    assert "TRUSTED_PROXIES" not in services["dispatcher-1"]["environment"]


def test_a_dollar_stays_a_dollar(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, environment={"node": {"X": "a$b"}})
    _, override, _ = written(tmp_path, settings)
    assert override["node-1"]["environment"] == {"X": "a$$b"}


def test_the_rest_is_in_the_variables_file(tmp_path: Path) -> None:
    _, _, variables = written(tmp_path, SETTINGS)
    lines = variables.splitlines()
    assert "COMPOSE_PROJECT_NAME='project-1'" in lines
    assert "NETWORK='10.213.7'" in lines
    assert ComposeFiles(tmp_path, "project-1").network == "10.213.7", "it is read again"
    assert "NODES='5'" in lines
    assert "HTTP_PORT='18080'" in lines
    assert "ZOOKEEPER='zookeeper-1:2181'" in lines
    assert "ZOO_SERVERS='server.1=zookeeper-1:2888:3888;2181'" in lines
    assert "STOP_GRACE='78s'" in lines, "3 s of notice, 60 s of window, 15 s more"
    asked = {line.partition("=")[0] for line in lines}
    open_ones = set()
    for word in BASE.read_text().split("${")[1:]:
        open_ones.add(word.partition(":-")[0])
    by_part_or_by_hand = {"LOG_LEVEL", "CHANNELS", "EMBED_ORIGINS", "GATEWAY_NAMES"}
    by_part_or_by_hand |= {"AUTH", "ALLOW_ANONYMOUS", "GUESTS", "READ_AUTH", "TICKET_HOURS"}
    by_part_or_by_hand |= {"VIEWER_COUNTS"}
    by_part_or_by_hand |= {"CASSANDRA_HEAP", "CASSANDRA_MIB", "GATEWAY_MIB"}
    by_part_or_by_hand |= {f"CASSANDRA_{number}_JVM_OPTIONS" for number in (1, 2, 3)}
    assert open_ones - asked <= by_part_or_by_hand


def test_writers_are_told_where_the_gateway_is_published_and_what_checks_tokens(
    tmp_path: Path,
) -> None:
    files = files_in(tmp_path)
    files.issuer_jwks = '{"keys":[]}'
    files.write(plan_of(SETTINGS))
    lines = (tmp_path / ".env").read_text().splitlines()
    assert "ISSUER_JWKS='{\"keys\":[]}'" in lines
    assert "AUTH_JWKS='/issuer/jwks.json'" in lines
    assert "AUTH_ISSUER='livecomments-development'" in lines
    services = yaml.safe_load(BASE.read_text())["services"]
    assert services["writer-1"]["environment"]["PUBLISHED_ON"] == "${BIND:-127.0.0.1}"
    assert services["prepare"]["environment"]["ISSUER_JWKS"] == "${ISSUER_JWKS:-}"
    assert "AUTH_JWKS" not in services["node-1"]["environment"]


def test_whoever_issues_or_checks_tickets_has_their_key_and_reads_as_all_do(tmp_path: Path) -> None:
    services, _, _ = written(tmp_path, SETTINGS)
    single, _, _ = written(tmp_path, dataclasses.replace(SETTINGS, topology="single"))
    services["single-1"] = single["single-1"]
    for name in ("writer-1", "node-1", "node-5"):
        variables = services[name]["environment"]
        assert variables["TICKET_KEY_FILE"] == "/tickets/tickets.key"
        assert variables["READ_AUTH"] == "${READ_AUTH:-open}"
    assert "tickets:/tickets" in services["prepare"]["volumes"]
    assert "TICKET_KEY_FILE" not in services["dispatcher-1"]["environment"]


def test_whoever_has_an_issuer_names_it(tmp_path: Path) -> None:
    own = {"all": {"AUTH_JWKS": "/data/keys.json"}}
    _, override, variables = written(tmp_path, dataclasses.replace(SETTINGS, environment=own))
    assert "AUTH_ISSUER" not in variables
    assert override["writer-1"]["environment"]["AUTH_JWKS"] == "/data/keys.json"


def test_a_container_is_made_from_what_concerns_it(tmp_path: Path) -> None:
    before = made_from(tmp_path, SETTINGS, "node-1")
    more = dataclasses.replace(SETTINGS, nodes=6)
    other = dataclasses.replace(SETTINGS, environment=SETTINGS.environment | {"node-5": {"X": "1"}})
    mine = dataclasses.replace(SETTINGS, environment={"node-1": {"X": "1"}})
    assert made_from(tmp_path, more, "node-1") == before
    assert made_from(tmp_path, other, "node-1") == before
    assert made_from(tmp_path, mine, "node-1") != before
    heap = {"cassandra-3": {"CASSANDRA_HEAP": "300M", "CASSANDRA_JVM_OPTIONS": "-Dc=e"}}
    other = dataclasses.replace(CASSANDRAS, environment=CASSANDRAS.environment | heap)
    changed = [
        name
        for name in ("cassandra-1", "cassandra-3", "node-1")
        if made_from(tmp_path, CASSANDRAS, name) != made_from(tmp_path, other, name)
    ]
    assert changed == ["cassandra-3"]
    _, override, _ = written(tmp_path, SETTINGS)
    assert override["node-1"]["labels"] == {MADE_FROM: before}


def test_the_images_that_are_looked_for_are_those_of_the_file() -> None:
    services = yaml.safe_load(BASE.read_text())["services"]
    named = {service["image"] for service in services.values()}
    assert set(IMAGES.values()) == {image for image in named if not image.startswith("$")}
    assert f"FROM {BASE_IMAGE} " in (BASE.parent / "Dockerfile").read_text()


def test_the_gateway_is_published_and_certified_where_it_listens(tmp_path: Path) -> None:
    _, override, variables = written(tmp_path, dataclasses.replace(SETTINGS, bind="::1"))
    assert "BIND='[::1]'\n" in variables
    assert override["prepare"]["environment"]["GATEWAY_NAMES"] == "${GATEWAY_NAMES:-},::1"


def test_a_quote_that_compose_would_misread_is_refused(tmp_path: Path) -> None:
    quoted = {"cassandra": {"CASSANDRA_JVM_OPTIONS": "-Da='b'"}}
    settings = dataclasses.replace(SETTINGS, store="cassandra", environment=quoted)
    with pytest.raises(
        ClusterError, match="quote or line break in a variable: CASSANDRA_1_JVM_OPTIONS"
    ):
        written(tmp_path, settings)
