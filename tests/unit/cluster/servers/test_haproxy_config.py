"""The text of the gateway's configuration."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from cluster.servers.haproxy import Gateway, default_threads, render
from cluster.servers.haproxy_errors import write_errors
from cluster.servers.haproxy_servers import Server
from wire.problem import CONTENT_TYPE
from writer.openapi.document import openapi_document

GATEWAY = Gateway(
    bind="127.0.0.1",
    http_port=8080,
    https_port=8443,
    certificate=Path("gateway.pem"),
    placement="hash",
    nodes=[Server(n, "10.0.0.1", 100 + n, 200 + n) for n in (1, 2, 3)],
    writers=[Server(n, "10.0.0.2", 300 + n, 400 + n) for n in (1, 2)],
    max_connections=9_000,
)


def test_a_server_has_the_number_of_its_process() -> None:
    lines = [line.strip() for line in render(GATEWAY).splitlines()]
    assert "server node-3 10.0.0.1:103 id 3 port 203" in lines
    assert "server-template node- 4-19 127.0.0.1:1 port 1 disabled" in lines
    assert "server-template writer- 3-18 127.0.0.1:1 port 1 disabled" in lines


def test_a_single_process_takes_streams_and_posts() -> None:
    alone = dataclasses.replace(GATEWAY, nodes=(), writers=(), single=[Server(1, "h", 10, 20)])
    text = render(alone)
    assert text.count("server single-1 h:10 id 1 port 20") == 2
    assert "server-template" not in text


def test_only_streams_are_bounded_and_only_with_hash() -> None:
    by_hash = render(GATEWAY)
    in_turn = render(dataclasses.replace(GATEWAY, placement="round_robin"))
    assert by_hash.count("hash-balance-factor 125") == 1
    assert "hash-balance-factor" not in in_turn
    assert "balance roundrobin" in in_turn
    assert "balance hash var(txn.place)" in in_turn, "writers are hashed in both"


def test_a_video_and_a_reader_of_pages_have_one_writer_each() -> None:
    places = [
        line for line in render(GATEWAY).splitlines() if "set-var" in line and ".place)" in line
    ]
    assert [line.split(None, 2)[2] for line in places] == [
        "path,field(4,/)",
        '"%[src]" if is_page',
    ]


def test_streams_leave_500_connections(tmp_path: Path) -> None:
    assert "be_conn(streams) ge 8500" in render(GATEWAY)
    assert "be_conn(streams) ge 5 " in render(dataclasses.replace(GATEWAY, max_connections=10))


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 1), (8, 4), (192, 64)])
def test_half_the_cores_are_for_who_feeds_the_gateway(cores: int, threads: int) -> None:
    assert default_threads(cores) == threads
    text = render(dataclasses.replace(GATEWAY, threads=default_threads(cores)))
    assert f"    nbthread {threads}\n" in text


def test_nothing_cuts_streams_when_a_check_fails() -> None:
    assert "on-marked-down shutdown-sessions" not in render(GATEWAY)


def test_the_gateways_preflight_names_every_method_of_the_api() -> None:
    text = render(dataclasses.replace(GATEWAY, origins=["*"]))
    (line,) = [
        line
        for line in text.splitlines()
        if "Allow-Methods" in line and line.endswith("{ var(txn.preflight) -m str api }")
    ]
    named = set(line.split('"')[1].split(", "))
    items = json.loads(openapi_document())["paths"].values()
    described = {method.upper() for item in items for method in item if method != "parameters"}
    assert named == described | {"HEAD"}


@pytest.mark.parametrize("status", [403, 404, 413, 429, 500, 501, 502, 503, 504])
def test_errors_are_problem_documents(tmp_path: Path, status: int) -> None:
    write_errors(tmp_path)
    head, _, body = (tmp_path / f"{status}.http").read_bytes().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    assert b"Content-Length: %d" % len(body) in head
    assert json.loads(body)["status"] == status
    assert (b"Retry-After: 1" in head) is (status in {429, 502, 503, 504})


@pytest.mark.parametrize("status", [413, 500, 502, 503, 504])
def test_what_the_gateway_says_to_a_post_is_in_the_description(tmp_path: Path, status: int) -> None:
    write_errors(tmp_path)
    head, _, body = (tmp_path / f"{status}.http").read_bytes().partition(b"\r\n\r\n")
    paths = json.loads(openapi_document())["paths"]
    described = paths["/v1/videos/{video_id}/comments"]["post"]["responses"][str(status)]
    problem = json.loads(body)
    example = described["content"][CONTENT_TYPE]["examples"][problem["code"]]["value"]
    assert problem.items() <= example.items()
    assert (b"Retry-After" in head) is ("Retry-After" in described["headers"])
