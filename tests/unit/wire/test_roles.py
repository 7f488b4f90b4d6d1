from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.ids import is_service_id
from wire.roles import Peer, Role, dns_name, parse_san_uri, san_uri

roles = st.sampled_from(Role)
ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=32).filter(
    is_service_id
)


@given(roles, ids)
def test_a_certificates_uri_is_read_as_it_was_written(role: Role, service_id: str) -> None:
    assert parse_san_uri(san_uri(role, service_id)) == (role, service_id)


@pytest.mark.parametrize(
    "uri",
    [
        "", "livecomments://", "livecomments://writer", "livecomments://writer/",
        "livecomments://Writer/w1", "livecomments://admin/w1", "livecomments://writer/W1",
        "livecomments://writer/w1/x", "livecomments://writer/w1?x", "livecomments://writer/-",
        "https://writer/w1", "LIVECOMMENTS://writer/w1", "livecomments:/writer/w1",
        " livecomments://writer/w1", "livecomments://writer/w1\n", "livecomments://user@writer/w1",
        "livecomments:// writer/w1", "spiffe://livecomments/writer/w1",
    ],
)  # fmt: skip
def test_any_other_uri_proves_nothing(uri: str) -> None:
    assert parse_san_uri(uri) is None


@given(st.text())
def test_any_text_is_either_a_role_or_nothing(text: str) -> None:
    identity = parse_san_uri(text)
    assert identity is None or san_uri(*identity) == text


@given(roles, ids)
def test_a_peers_name_is_a_dns_name(role: Role, service_id: str) -> None:
    name = Peer(role, service_id, "127.0.0.1", 1).dns_name
    assert name == dns_name(role, service_id)
    assert len(name) <= 253
    assert all(1 <= len(label) <= 63 for label in name.split("."))
