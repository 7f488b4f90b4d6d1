"""Addresses to listen on, and where they are reached."""

from __future__ import annotations

import pytest

from cluster.addresses import join_port, parse_bind, reached_at


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("127.0.0.2", "127.0.0.2"),
        ("localhost", "127.0.0.1"),
        ("*", "0.0.0.0"),
        ("[::1]", "::1"),
        ("0:0::0", "::"),
        ("::ffff:127.0.0.2", "127.0.0.2"),
        ("2001:DB8::1", "2001:db8::1"),
    ],
)
def test_an_address_is_kept_in_one_spelling(text: str, kept: str) -> None:
    assert parse_bind(text) == kept


@pytest.mark.parametrize("text", ["", "abc", "0", "127.1", "256.1.1.1", "224.0.0.1", "fe80::1%lo"])
def test_what_nobody_can_listen_on_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"listened on|IPv4 or IPv6"):
        parse_bind(text)


def test_what_listens_on_all_addresses_is_reached_by_loopback() -> None:
    assert {reached_at(bind) for bind in ("0.0.0.0", "::")} == {"127.0.0.1"}
    assert [reached_at(bind) for bind in ("127.0.0.2", "::1")] == ["127.0.0.2", "::1"]


def test_an_ipv6_address_stands_in_brackets_before_a_port() -> None:
    assert join_port("::1", 80) == "[::1]:80"
    assert join_port("127.0.0.1", 80) == "127.0.0.1:80"
