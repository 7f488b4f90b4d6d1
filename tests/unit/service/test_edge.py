from __future__ import annotations

import pytest
from multidict import CIMultiDict

from service.config import ConfigError, EnvReader
from service.edge import PublicEdge, address_owner, request_id

A, B = "https://a.example", "https://b.example"


def headers(*pairs: tuple[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(pairs)


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::FFFF:0a00:0001", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:0:ffff::2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_whoever_can_use_an_address_is_counted_once(address: str, owner: str) -> None:
    assert address_owner(address) == owner


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ([], "127.0.0.9"),
        (["10.0.0.1"], "10.0.0.1"),
        (["10.0.0.1, 10.0.0.2"], "10.0.0.2"),
        (["10.0.0.1, 10.0.0.2", "10.0.0.3 "], "10.0.0.3"),
        (["10.0.0.1, "], "127.0.0.9"),
        ([""], "127.0.0.9"),
    ],
)
def test_behind_a_gateway_the_address_is_the_last_one_forwarded(
    forwarded: list[str], address: str
) -> None:
    asked = headers(*(("x-forwarded-for", text) for text in forwarded))
    assert PublicEdge().client_address(asked, "127.0.0.9") == address


def test_without_a_gateway_nobody_is_believed() -> None:
    asked = headers(("X-Forwarded-For", "10.0.0.1"))
    assert PublicEdge(proxies=()).client_address(asked, "127.0.0.9") == "127.0.0.9"


@pytest.mark.parametrize(
    ("peer", "believed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.0", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("fd00::9", True),
        ("fd01::9", False),
        ("127.0.0.1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_only_a_gateway_of_the_list_is_believed(peer: str, believed: bool) -> None:
    env = EnvReader({"TRUSTED_PROXIES": "10.1.0.0/16, 192.0.2.7, fd00::/64"})
    edge = PublicEdge.read(env)
    env.done()
    asked = headers(("X-Forwarded-For", "203.0.113.1"))
    assert edge.client_address(asked, peer) == ("203.0.113.1" if believed else peer)
    assert edge.client_address(headers(), peer) == peer
    assert edge.stats.forwarded_ignored == (not believed)


@pytest.mark.parametrize(
    ("peer", "believed"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False)],
)
def test_where_nothing_is_said_a_gateway_is_on_the_same_machine(peer: str, believed: bool) -> None:
    edge = PublicEdge.read(EnvReader({}))
    asked = headers(("X-Forwarded-For", "203.0.113.1"))
    assert (edge.client_address(asked, peer) == "203.0.113.1") == believed


@pytest.mark.parametrize("word", ["gateway", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1:80", "*"])
def test_what_is_no_network_is_a_fault(word: str) -> None:
    env = EnvReader({"TRUSTED_PROXIES": f"10.0.0.1,{word}"})
    PublicEdge.read(env)
    with pytest.raises(ConfigError) as told:
        env.done()
    assert f"TRUSTED_PROXIES: {word} is no address" in str(told.value)


def test_gateways_of_a_process_that_has_none_are_a_fault() -> None:
    env = EnvReader({"TRUSTED_PROXIES": "10.0.0.1"})
    PublicEdge.read(env, always_behind_gateway=False)
    with pytest.raises(ConfigError, match="BEHIND_GATEWAY is not on"):
        env.done()


def test_a_process_without_a_gateway_has_to_be_told_of_one() -> None:
    def read(always: bool, **environ: str) -> bool:
        edge = PublicEdge.read(EnvReader(environ), always_behind_gateway=always)
        return bool(edge.proxies)

    assert read(True)
    assert not read(False)
    assert not read(False, BEHIND_GATEWAY="off")
    assert read(False, BEHIND_GATEWAY="on")


def test_faults_in_its_settings_are_told() -> None:
    env = EnvReader({"CORS_ORIGINS": f"{A}, a.example", "BEHIND_GATEWAY": "yes"})
    PublicEdge.read(env, always_behind_gateway=False)
    with pytest.raises(ConfigError) as caught:
        env.done()
    assert "CORS_ORIGINS: a.example is no origin" in str(caught.value)
    assert "BEHIND_GATEWAY=yes must be one of off, on" in str(caught.value)


def test_a_configured_origin_may_read_and_others_may_not() -> None:
    edge = PublicEdge(origins=frozenset({A}))
    assert edge.origin_headers(headers(("origin", A)))["Access-Control-Allow-Origin"] == A
    assert edge.origin_headers(headers(("origin", B))) == {"Vary": "Origin"}
    assert edge.origin_headers(headers()) == {"Vary": "Origin"}
    assert [edge.allows(origin) for origin in (A, B, "", None)] == [True, False, False, False]


def test_any_origin_may_read_if_all_are_allowed() -> None:
    edge = PublicEdge(origins=frozenset({"*"}))
    assert edge.origin_headers(headers(("origin", B)))["Access-Control-Allow-Origin"] == B
    assert not edge.allows("")


def test_nothing_is_said_of_origins_where_none_is_allowed() -> None:
    assert PublicEdge().origin_headers(headers(("origin", A))) == {}


def test_a_request_keeps_the_id_that_its_caller_gave_if_it_is_one() -> None:
    assert request_id(headers(("x-request-id", "mine-1"))) == "mine-1"
    made = {request_id(headers(*given)) for given in ([], [("X-Request-Id", "a b")])}
    assert len(made) == 2
    assert all(len(text) == 16 for text in made)
