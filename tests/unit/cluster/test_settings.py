"""Settings: what is asked for, what is saved, what is refused."""

from __future__ import annotations

import re

import pytest

from cluster.preflight import check_variables
from cluster.settings import (
    LEFT_ALONE,
    PROCESS_VARIABLES,
    Settings,
    find_left_alone,
    read_dev_address,
    read_name,
    read_settings,
)
from service.config import ConfigError
from tests.unit.test_layers import ROOT


def test_what_is_not_set_stays_as_it_was() -> None:
    known = Settings("x", nodes=5, placement="round_robin")
    assert read_settings({"WRITERS": "3"}, known) == Settings(
        "x", nodes=5, writers=3, placement="round_robin"
    )


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        read_settings({"NODES": "0", "ZOOKEEPERS": "2", "PLACEMENT": "best"}, Settings())
    assert all(name in str(told.value) for name in ("NODES", "ZOOKEEPERS", "PLACEMENT"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "x" * 32, "-a"])
def test_a_name_that_cannot_be_a_folder_is_refused(name: str) -> None:
    if not name:
        assert read_name({"CLUSTER": name}) == "default"
        return
    with pytest.raises(ConfigError):
        read_name({"CLUSTER": name})


def test_the_nearest_variable_wins() -> None:
    settings = Settings(
        environment={
            "all": {"A": "all", "B": "all", "C": "all"},
            "node": {"B": "node", "C": "node"},
            "node-2": {"C": "node-2"},
        }
    )
    assert settings.variables_for("node", "node-2") == {"A": "all", "B": "node", "C": "node-2"}
    assert settings.variables_for("writer", "writer-1") == {"A": "all", "B": "all", "C": "all"}


def test_variables_of_the_processes_are_saved_for_every_part() -> None:
    settings = read_settings({"LOG_LEVEL": "debug", "SECRET": "no"}, Settings())
    assert read_settings({}, settings).variables_for("node", "node-1") == {"LOG_LEVEL": "debug"}


def test_every_variable_of_the_documents_is_taken_or_said_to_be_left_alone() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split("\n## Environment\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}
    of_up = {"STORE", "TOPOLOGY"}
    of_the_sdk = {"AWS_REGION", "AWS_SHARED_CREDENTIALS_FILE"}  # its own way to be told
    taken = set(PROCESS_VARIABLES) | of_up | of_the_sdk
    assert documented - taken <= set(LEFT_ALONE)
    assert not taken & set(LEFT_ALONE)


def test_whether_viewers_are_counted_is_taken_from_the_shell() -> None:
    settings = read_settings({"VIEWER_COUNTS": "off", "MAX_STREAMS": "9"}, Settings())
    check_variables(settings)
    assert settings.variables_for("node", "node-1") == {"VIEWER_COUNTS": "off", "MAX_STREAMS": "9"}
    with pytest.raises(ConfigError, match="VIEWER_COUNTS"):
        check_variables(read_settings({"VIEWER_COUNTS": "perhaps"}, Settings()))


def test_what_has_no_effect_is_named() -> None:
    assert find_left_alone({"REDIS_URL": "redis://x", "PATH": "/bin", "ZOOKEEPER": ""}) == [
        "REDIS_URL"
    ]


def test_what_a_person_says_of_cassandra_reaches_the_writers() -> None:
    asked = {"RETENTION_S": "86400", "CASSANDRA_KEYSPACE": "other"}
    settings = read_settings(asked, Settings(store="cassandra"))
    check_variables(settings)
    assert settings.variables_for("writer", "writer-1") == asked


def test_how_far_a_commit_reaches_is_checked_before_anything_starts() -> None:
    settings = read_settings({"CASSANDRA_CONSISTENCY": "global"}, Settings(store="cassandra"))
    assert settings.variables_for("writer", "writer-1") == {"CASSANDRA_CONSISTENCY": "global"}
    check_variables(settings)
    wrong = read_settings({"CASSANDRA_CONSISTENCY": "one"}, settings)
    with pytest.raises(ConfigError, match="writer-1 could not start: CASSANDRA_CONSISTENCY=one"):
        check_variables(wrong)


@pytest.mark.parametrize(
    "origin", ["example.org", "https://a.example/x", 'https://a"b', "https://"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match=r"is no (origin|host)"):
        read_settings({"CORS_ORIGINS": f"https://ok.example,{origin}"}, Settings())


@pytest.mark.parametrize(
    ("topology", "placement"),
    [
        ("broadcast", "round_robin"),
        ("partitioned", "round_robin"),
        ("gateway", "hash"),
        ("dispatcher", "hash"),
    ],
)
def test_viewers_are_placed_as_the_topology_is_meant(topology: str, placement: str) -> None:
    assert read_settings({"TOPOLOGY": topology}, Settings()).viewers_placement == placement


def test_a_placement_that_a_person_chose_holds_in_every_topology() -> None:
    chosen = read_settings({"PLACEMENT": "round_robin"}, Settings())
    assert chosen.viewers_placement == "round_robin"
    assert read_settings({"TOPOLOGY": "gateway"}, chosen).viewers_placement == "round_robin"
    back = read_settings({"TOPOLOGY": "gateway", "PLACEMENT": ""}, chosen)
    assert back.viewers_placement == "hash"


def test_a_topology_that_does_not_exist_is_refused_and_the_others_are_named() -> None:
    with pytest.raises(ConfigError, match="must be one of single, broadcast, partitioned"):
        read_settings({"TOPOLOGY": "ring"}, Settings())


@pytest.mark.parametrize("port", ["99999", "-1", "abc", "nan", "8080.5", "80 80"])
@pytest.mark.parametrize("name", ["HTTP_PORT", "HTTPS_PORT"])
def test_a_port_that_is_none_is_told_with_its_variable(name: str, port: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}(={port})? must be a"):
        read_settings({name: port}, Settings())


@pytest.mark.parametrize("port", ["99999", "-1", "0", "abc", "8080.5"])
def test_make_dev_refuses_a_port_that_is_none(port: str) -> None:
    with pytest.raises(ConfigError, match=rf"^HTTP_PORT(={port})? must be a"):
        read_dev_address({"HTTP_PORT": port})


def test_make_dev_listens_where_a_person_says() -> None:
    assert read_dev_address({"HTTP_PORT": "", "BIND": ""}) == ("127.0.0.1", 8080)
    assert read_dev_address({"HTTP_PORT": "81", "PUBLIC_PORT": "82"}) == ("127.0.0.1", 81)
    assert read_dev_address({"PUBLIC_PORT": "82", "BIND_HOST": "::1"}) == ("::1", 82)
    assert read_dev_address({"BIND": "*", "BIND_HOST": "::1"}) == ("0.0.0.0", 8080)
    with pytest.raises(ConfigError, match="BIND_HOST=gateway must be an address"):
        read_dev_address({"BIND_HOST": "gateway"})


def test_an_address_to_listen_on_is_kept_in_one_spelling_or_refused() -> None:
    assert read_settings({"BIND": "[::1]"}, Settings()).bind == "::1"
    with pytest.raises(ConfigError, match="BIND=gateway must be an address, such as"):
        read_settings({"BIND": "gateway"}, Settings())
