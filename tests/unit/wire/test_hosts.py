from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.hosts import is_host, is_loopback, is_server, is_wildcard, parse_address

WILDCARDS = ["0.0.0.0", "::", "0::0", "::ffff:0.0.0.0"]
NOBODY = [
    "", ".", "a..b", ".a", "a.", "-a", "a-", "a_b", "a b", "a" * 64, "a." * 127 + "a", "a/b",
    "user@a", "a:1", "[::1]", "fe80::1%eth0", "::1%a", "jürgen", "a\n", "1.2.3", "1.2.3.4.5",
    "01.2.3.4", "256.1.1.1", "0x7f.1", "0x7f000001", "a.0x1", "0", "127.1", "224.0.0.1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "n1",
        "A-b.example",
        "a" * 63,
        "7eleven.example",
        "0xg",
        "10.0.0.7",
        "::1",
        "2001:db8::7",
    ],
)
def test_a_host_is_an_address_or_a_dns_name(text: str) -> None:
    assert is_host(text)
    assert is_server(text)


@pytest.mark.parametrize("text", [*NOBODY, *WILDCARDS])
def test_what_others_cannot_call_is_no_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize("text", WILDCARDS)
def test_a_wildcard_is_known_in_every_spelling(text: str) -> None:
    assert is_wildcard(text)
    assert not is_wildcard("10.0.0.0")


@pytest.mark.parametrize("text", ["my_redis", "zk.example.", "_a", *WILDCARDS])
def test_a_server_of_others_may_have_more_names(text: str) -> None:
    assert is_server(text)


@pytest.mark.parametrize("text", ["", ".", "a..b", "a" * 64, "a..", "jürgen", "a/b"])
def test_what_no_resolver_takes_is_no_server_either(text: str) -> None:
    assert not is_server(text)


@given(st.text(alphabet="ab0x.-_:%[]\u00fc\u3002", max_size=70) | st.text(max_size=10))
def test_no_host_is_too_much_for_the_resolver(text: str) -> None:
    if is_server(text):
        text.encode("idna")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a:1", ("a", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("a", None),
        ("a:", None),
        (":1", None),
        ("a:0", None),
        ("a:65536", None),
        ("a:000080", None),
        ("a:-1", None),
        ("a:\u0662", None),
        ("::1:80", None),
        ("[a]:80", None),
        ("[::1]", None),
        ("a:1:2", None),
        ("a:1 ", None),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: tuple[str, int] | None) -> None:
    assert parse_address(text) == address


def test_a_port_may_be_left_out_where_there_is_a_usual_one() -> None:
    assert parse_address("zk_1", ours=False, port=2181) == ("zk_1", 2181)
    assert parse_address("[::1]", ours=False, port=2181) == ("::1", 2181)
    assert parse_address("zk_1:1", port=2181) is None


@pytest.mark.parametrize(
    "text", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_what_only_this_machine_can_call_is_loopback(text: str) -> None:
    assert is_loopback(text)


@pytest.mark.parametrize(
    "text", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "2001:db8::1"]
)
def test_what_others_can_call_is_not_loopback(text: str) -> None:
    assert not is_loopback(text)
