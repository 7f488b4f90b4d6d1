from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.claims import TokenRules, read_claims
from identity.roles import Rank
from wire.errors import TokenExpired, TokenInvalid

NOW = 1_000_000.0
RULES = TokenRules("https://issuer.example", "livecomments")
GOOD = {"iss": RULES.issuer, "aud": RULES.audience, "sub": "ann", "iat": NOW - 60, "exp": NOW + 60}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def payload(**claims: Any) -> bytes:
    said = {name: value for name, value in (GOOD | claims).items() if value != "absent"}
    return json.dumps(said).encode()


def test_good_claims_are_read() -> None:
    claims = read_claims(
        payload(name=" Ann ", **{"lc.roles": {"v": ["owner"]}, "email": "a@b.example"}), RULES, NOW
    )
    assert (claims.issuer, claims.subject, claims.name) == (RULES.issuer, "ann", "Ann")
    assert claims.expires_at == NOW + 60 + 30
    assert claims.roles.find("v") == {Rank.OWNER}


def test_a_name_and_roles_may_be_left_out() -> None:
    claims = read_claims(payload(), RULES, NOW)
    assert claims.name is None
    assert claims.roles.find("v") == set()


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp"])
def test_what_is_required_is_missed(name: str) -> None:
    with pytest.raises(TokenInvalid, match=f"missing required field `{name}`"):
        read_claims(payload(**{name: "absent"}), RULES, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://issuer.example/"},
        {"iss": "https://ISSUER.example"},
        {"iss": "https://other.example"},
        {"aud": "livecomments2"},
        {"aud": "Livecomments"},
        {"aud": ""},
        {"aud": []},
        {"aud": ["other"]},
    ],
)
def test_another_issuer_or_audience_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid, match=r"iss|aud"):
        read_claims(payload(**claims), RULES, NOW)


def test_one_of_several_audiences_is_enough() -> None:
    assert read_claims(payload(aud=["other", "livecomments"]), RULES, NOW).subject == "ann"


@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"iat": NOW + 31}, "iat lies in the future"),
        ({"nbf": NOW + 31}, "nbf lies in the future"),
        ({"iat": "1"}, "iat"),
        ({"exp": None}, "exp"),
        ({"exp": True}, "exp"),
        ({"nbf": "soon"}, "nbf"),
        ({"sub": ""}, "sub must have 1 to 255"),
        ({"sub": "a" * 256}, "sub must have 1 to 255"),
        ({"sub": 7}, "sub"),
        ({"name": ""}, "name must have 1 to 64"),
        ({"name": "a" * 65}, "name must have 1 to 64"),
        ({"name": "a\x07"}, "name control characters"),
        ({"name": 7}, "name"),
        ({"lc.roles": ["moderator"]}, "lc.roles"),
        ({"lc.roles": {"v": "moderator"}}, "lc.roles"),
        ({"lc.roles": {"v": ["god"]}}, "a role is one of"),
        ({"lc.roles": {"v w": ["owner"]}}, "a pattern of roles"),
    ],
)
def test_a_bad_claim_is_named(claims: dict[str, Any], detail: str) -> None:
    with pytest.raises(TokenInvalid) as caught:
        read_claims(payload(**claims), RULES, NOW)
    assert detail in caught.value.detail


def test_clocks_may_differ_by_half_a_minute() -> None:
    read_claims(payload(iat=NOW + 30, nbf=NOW + 30, exp=NOW - 29.9), RULES, NOW)


@pytest.mark.parametrize("exp", [NOW - 30, 0, -1, -1e300])
def test_a_token_that_is_over_has_expired(exp: float) -> None:
    with pytest.raises(TokenExpired):
        read_claims(payload(exp=exp), RULES, NOW)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 5000, b'{"exp":1e999}',
        payload().replace(b'"ann"', b'"\\ud800"'), payload(exp=0).replace(b"0}", b"NaN}"),
    ],
)  # fmt: skip
def test_what_is_no_object_of_claims_is_invalid(text: bytes) -> None:
    with pytest.raises(TokenInvalid):
        read_claims(text, RULES, NOW)


@given(st.dictionaries(st.sampled_from([*GOOD, "nbf", "name", "lc.roles"]), JSON))
def test_any_claims_are_read_or_refused(claims: dict[str, Any]) -> None:
    with suppress(TokenInvalid, TokenExpired):
        read_claims(json.dumps(GOOD | claims).encode(), RULES, NOW)


@given(st.text(min_size=20).map(lambda text: f"{text} "))
def test_a_refusal_repeats_nothing_of_the_token(secret: str) -> None:
    bad: list[dict[str, Any]] = [
        {"iss": secret},
        {"aud": secret},
        {"name": secret * 9},
        {"lc.roles": {secret: []}},
    ]
    for claims in bad:
        with pytest.raises(TokenInvalid) as caught:
            read_claims(payload(**claims), RULES, NOW)
        assert secret not in caught.value.detail
