from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.keys import MAX_KEYS, MAX_SET_BYTES, KeysUnreadable, read_key_set
from tests.tokens import Signer, base64url, jwks

EC, ED = Signer("ec"), Signer("ed", "EdDSA")
SECRET = {"kty": "oct", "kid": "s", "k": base64url(b"s" * 32)}


def refusal(member: Any, *, secrets: bool = True) -> str:
    """Why a member of a set is ignored; nothing of it may be in there."""
    found = read_key_set(jwks(member), secrets=secrets)
    assert found.keys == ()
    (reason,) = found.ignored
    return reason.removeprefix("key 0: ")


def test_the_kind_of_a_key_decides_its_algorithm() -> None:
    found = read_key_set(jwks(EC, ED, Signer("rsa", "RS256"), SECRET), secrets=True)
    assert {key.kid: key.algorithm for key in found.keys} == {
        "ec": "ES256",
        "ed": "EdDSA",
        "rsa": "RS256",
        "s": "HS256",
    }
    assert found.ignored == ()


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS256", "ES384", "", None, 7])
def test_a_key_for_another_algorithm_is_ignored(algorithm: object) -> None:
    assert refusal(EC.public | {"alg": algorithm}).startswith("alg: not ES256")


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct"}, {"kty": "RSA"}, {"kty": "X"}, {"kty": None}, {"kty": ["EC"]}, {"crv": {}},
        {"crv": "P-384"}, {"crv": "P-521"}, {"crv": "secp256k1"}, {"crv": "Ed25519"}, {"crv": None},
    ],
)  # fmt: skip
def test_a_key_of_another_kind_is_ignored(change: dict[str, Any]) -> None:
    assert refusal(EC.public | change).startswith("kty and crv: not one of")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"use": "enc"}, "use: not sig"),
        ({"key_ops": ["encrypt"]}, "key_ops: not verify"),
        ({"key_ops": "verify"}, "key_ops: not verify"),
        ({"kid": 7}, "kid: not a string"),
        ({"d": "AA"}, "it is a private key"),
        ({"x": EC.public["y"]}, "it cannot be read"),
        ({"x": "!"}, "it cannot be read"),
        ({"x": 7}, "it cannot be read"),
        ({"y": None}, "it cannot be read"),
    ],
)
def test_a_key_that_cannot_be_used_is_ignored(change: dict[str, Any], reason: str) -> None:
    assert refusal(EC.public | change) == reason


@pytest.mark.parametrize("member", [None, 7, "key", [], [EC.public]])
def test_a_member_that_is_no_key_is_ignored(member: object) -> None:
    assert refusal(member) == "not an object"


def test_a_short_rsa_key_is_ignored() -> None:
    assert refusal(Signer("rsa", "RS256", 1024)) == "RSA keys have 2048 to 8192 bits"


def test_a_long_rsa_key_is_ignored() -> None:
    modulus = base64url((2**9000 - 1).to_bytes(1125, "big"))
    assert refusal({"kty": "RSA", "e": "AQAB", "n": modulus}) in {
        "RSA keys have 2048 to 8192 bits",
        "it cannot be read",
    }


def test_a_shared_secret_counts_from_a_file_only() -> None:
    assert refusal(SECRET, secrets=False) == "a shared secret counts from a file only"


def test_a_short_secret_is_ignored() -> None:
    short = SECRET | {"k": base64url(b"s" * 31)}
    assert refusal(short) == "a shared secret has at least 32 bytes"


def test_the_first_of_two_keys_with_one_name_counts() -> None:
    found = read_key_set(jwks(EC, Signer("ec")), secrets=False)
    assert [key.material.key for key in found.keys] == [EC.key.public_key()]
    assert found.ignored == ("key 1: kid: another key has it",)


def test_a_good_key_counts_beside_bad_ones() -> None:
    found = read_key_set(jwks({"kty": "X"}, EC, 7), secrets=False)
    assert [key.kid for key in found.keys] == ["ec"]
    assert len(found.ignored) == 2


def test_a_token_without_a_key_name_means_the_only_key() -> None:
    one, two = read_key_set(jwks(EC), secrets=False), read_key_set(jwks(EC, ED), secrets=False)
    assert one.find(None) is one.find("ec") is one.keys[0]
    assert two.find(None) is one.find("") is None


def test_a_key_without_a_name_is_found_only_where_it_is_alone() -> None:
    nameless = Signer(None)
    assert read_key_set(jwks(nameless), secrets=False).find(None) is not None
    assert read_key_set(jwks(nameless, EC), secrets=False).find(None) is None


def test_two_sets_have_two_digests() -> None:
    assert (
        read_key_set(jwks(EC), secrets=False).digest != read_key_set(jwks(ED), secrets=False).digest
    )


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"{}", b'{"keys":{}}', b'{"keys":null}', b"\xff", b"[" * 9999],
)
def test_what_is_no_key_set_is_refused(text: bytes) -> None:
    with pytest.raises(KeysUnreadable):
        read_key_set(text, secrets=True)


def test_a_set_is_bounded_in_keys_and_bytes() -> None:
    assert len(read_key_set(jwks(*[7] * MAX_KEYS), secrets=False).ignored) == MAX_KEYS
    with pytest.raises(KeysUnreadable, match="over 32 keys"):
        read_key_set(jwks(*[EC] * (MAX_KEYS + 1)), secrets=False)
    padded = jwks(EC)
    padded += b" " * (MAX_SET_BYTES - len(padded))
    assert read_key_set(padded, secrets=False).keys
    with pytest.raises(KeysUnreadable, match="bytes"):
        read_key_set(padded + b" ", secrets=False)


@given(
    st.dictionaries(
        st.sampled_from([*EC.public, "alg", "use", "k", "n", "e"]), st.text() | st.integers()
    )
)
def test_any_member_is_read_or_ignored(change: dict[str, Any]) -> None:
    text = json.dumps({"keys": [EC.public | change]}).encode()
    found = read_key_set(text, secrets=True)
    assert len(found.keys) + len(found.ignored) == 1
