"""Hostile and honest tokens, against keys in memory."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from identity.author_id import AuthorIds
from identity.claims import TokenRules
from identity.key_ring import KeyRing, KeyTimes
from identity.roles import Rank
from identity.tokens import MAX_TOKEN_BYTES, TokenVerifier
from service.tasks import TaskHome
from tests.tokens import (
    AUDIENCE,
    ISSUER,
    MODERATOR,
    SITE_KEY,
    Signer,
    base64url,
    hmac_token,
    jwks,
    raw_token,
    sign,
)
from wire.errors import KeysUnavailable, TokenExpired, TokenInvalid

EC, ED, RSA = Signer("ec"), Signer("ed", "EdDSA"), Signer("rsa", "RS256")
SECRET = b"s" * 32
SHARED = {"kty": "oct", "kid": "s", "k": base64url(SECRET)}
AUTHOR_IDS = AuthorIds(SITE_KEY)
RULES = TokenRules(ISSUER, AUDIENCE)


class Source:
    secrets = True

    def __init__(self, reply: bytes) -> None:
        self.reply = reply

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def fetch(self) -> bytes:
        return self.reply


class Rig:
    """A verifier of these keys, with clocks of its own."""

    def __init__(self, *keys: Signer | dict[str, Any], max_remembered_bytes: int = 100_000) -> None:
        self.source, self.tasks = Source(jwks(*keys)), TaskHome()
        self.now, self.clock = time.time(), 0.0
        ring = KeyRing(self.source, KeyTimes(), clock=lambda: self.clock)
        self.verifier = TokenVerifier(
            ring,
            RULES,
            AUTHOR_IDS,
            now=lambda: self.now,
            max_remembered_bytes=max_remembered_bytes,
        )
        self.verify = self.verifier.verify


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig(EC, ED, RSA, SHARED)
    await made.verifier.start(made.tasks)
    yield made
    await made.tasks.aclose()
    await made.verifier.stop()


@pytest.mark.parametrize("signer", [EC, ED, RSA], ids=lambda signer: signer.algorithm)
async def test_a_good_token_names_its_bearer(rig: Rig, signer: Signer) -> None:
    caller = await rig.verify(signer.token(**MODERATOR))
    assert (caller.name, caller.author_id) == ("Ann", AUTHOR_IDS.find(ISSUER, "ann-1"))
    assert caller.rank_in("launch-1") is Rank.MODERATOR


async def test_a_shared_secret_of_a_file_counts(rig: Rig) -> None:
    assert (await rig.verify(sign(SECRET, "HS256", {"kid": "s"}))).name == "Ann"


async def test_the_same_person_has_the_same_id_in_every_token(rig: Rig) -> None:
    one, two = await rig.verify(EC.token()), await rig.verify(ED.token(name="Bob"))
    assert one.author_id == two.author_id
    assert (await rig.verify(EC.token(sub="ann-2"))).author_id != one.author_id


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "RS256", "EdDSA"])
@pytest.mark.parametrize("signature", [b"", b"x" * 64])
async def test_another_algorithm_than_the_keys_is_refused(
    rig: Rig, alg: str, signature: bytes
) -> None:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "a", "iat": 1, "exp": 2**40}
    with pytest.raises(TokenInvalid):
        await rig.verify(raw_token({"alg": alg, "kid": "ec"}, claims, signature))


async def test_a_public_key_is_no_secret(rig: Rig) -> None:
    """The attack of RFC 8725, section 2.1: what everybody knows, used as the secret of HS256."""
    public = RSA.key.public_key()
    known = [
        public.public_bytes(encoding, form)
        for encoding in (Encoding.PEM, Encoding.DER)
        for form in (PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo)
    ]
    for secret in (*known, json.dumps(RSA.public).encode()):
        for kid in ("rsa", "ec", "ed", "s"):
            with pytest.raises(TokenInvalid):
                await rig.verify(hmac_token(secret, kid))
    assert (await rig.verify(hmac_token(SECRET, "s"))).name == "Ann"


@pytest.mark.parametrize("signer", [EC, ED, RSA], ids=lambda signer: signer.algorithm)
async def test_a_changed_token_is_refused(rig: Rig, signer: Signer) -> None:
    header, payload, signature = signer.token().split(".")
    other = signer.token(sub="root").split(".")[1]
    for changed in (f"{header}.{other}.{signature}", f"{header}.{payload}.{signature[:-4]}AAAA"):
        with pytest.raises(TokenInvalid, match="signature"):
            await rig.verify(changed)


async def test_another_key_of_the_same_name_is_refused(rig: Rig) -> None:
    with pytest.raises(TokenInvalid, match="signature"):
        await rig.verify(Signer("ec").token())


@pytest.mark.parametrize("kid", ["other", "EC", "", None])
async def test_an_unknown_key_is_refused(rig: Rig, kid: str | None) -> None:
    with pytest.raises(TokenInvalid, match="kid"):
        await rig.verify(Signer(kid).token())


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "crit"])
@pytest.mark.parametrize("value", ["https://evil.example/keys", None, {"kty": "oct"}, ["exp"]])
async def test_a_header_that_brings_a_key_or_asks_for_more_is_refused(
    rig: Rig, name: str, value: Any
) -> None:
    _, payload, signature = EC.token().split(".")
    told = base64url(json.dumps({"alg": "ES256", "kid": "ec", name: value}).encode())
    with pytest.raises(TokenInvalid, match=f"the header has {name}"):
        await rig.verify(f"{told}.{payload}.{signature}")


@pytest.mark.parametrize("typ", ["logout+jwt", "secevent+jwt", "dpop+jwt", "JWE", ""])
async def test_a_token_for_another_purpose_is_refused(rig: Rig, typ: str) -> None:
    _, payload, signature = EC.token().split(".")
    told = base64url(json.dumps({"alg": "ES256", "kid": "ec", "typ": typ}).encode())
    with pytest.raises(TokenInvalid, match="typ"):
        await rig.verify(f"{told}.{payload}.{signature}")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
async def test_a_token_may_say_that_it_is_one(rig: Rig, typ: str | None) -> None:
    assert (await rig.verify(EC.token({"typ": typ}))).name == "Ann"


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "https://other.example"}, TokenInvalid),
        ({"aud": "other"}, TokenInvalid),
        ({"aud": None}, TokenInvalid),
        ({"sub": None}, TokenInvalid),
        ({"iat": None}, TokenInvalid),
        ({"exp": None}, TokenInvalid),
        ({"exp": 1}, TokenExpired),
        ({"nbf": 2**40}, TokenInvalid),
    ],
)
async def test_claims_that_do_not_count_are_refused(
    rig: Rig, claims: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await rig.verify(EC.token(**claims))


async def test_a_forged_token_is_invalid_whatever_its_age(rig: Rig) -> None:
    """Nothing is told about a token that is not authentic."""
    with pytest.raises(TokenInvalid, match="signature"):
        await rig.verify(Signer("ec").token(exp=1))


async def test_a_token_is_bounded(rig: Rig) -> None:
    most = EC.token(x="y" * (MAX_TOKEN_BYTES - 1500))
    assert (await rig.verify(most)).name == "Ann"
    for size in (5 * 1024, MAX_TOKEN_BYTES):
        with pytest.raises(TokenInvalid, match="over 4096 bytes"):
            await rig.verify(EC.token(x="y" * size))


GARBAGE = [
    "a",
    ".",
    "..",
    "a.b",
    "a.b.c",
    "a.b.c.d",
    "a.b.c.d.e",
    "é.b.c",
    "a b.c.d",
    "e30=.e30=.AA==",
]


@pytest.mark.parametrize("token", [*GARBAGE, "\udcff.a.b", raw_token([], {}), raw_token(None, 1)])
async def test_garbage_is_refused(rig: Rig, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await rig.verify(token)


@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "b64", "cty"]),
        st.sampled_from(["ES256", "ec", "HS256", "s", "JWT", False, None, 1e300, ["a"]]),
    ),
    payload=st.binary(max_size=40),
    signature=st.binary(max_size=70),
)
async def test_no_unsigned_token_is_believed(
    header: dict[str, Any], payload: bytes, signature: bytes
) -> None:
    rig = Rig(EC, SHARED)
    await rig.verifier.start(rig.tasks)
    parts = (json.dumps(header).encode(), payload, signature)
    with pytest.raises(TokenInvalid):
        await rig.verify(".".join(map(base64url, parts)))
    await rig.tasks.aclose()


async def test_a_known_token_is_not_checked_again(rig: Rig) -> None:
    token = EC.token()
    callers = [await rig.verify(token) for _ in range(5)]
    assert all(caller is callers[0] for caller in callers)
    assert (rig.verifier.checked, rig.verifier.remembered) == (1, 1)


async def test_a_known_token_expires_on_time(rig: Rig) -> None:
    token = EC.token(exp=int(rig.now) + 60)
    await rig.verify(token)
    rig.now = int(rig.now) + 89.9
    await rig.verify(token)
    rig.now += 0.1
    with pytest.raises(TokenExpired):
        await rig.verify(token)
    assert rig.verifier.remembered == 0


async def test_a_token_of_a_withdrawn_key_is_not_remembered(rig: Rig) -> None:
    ec, ed = EC.token(), ED.token()
    await rig.verify(ec)
    rig.source.reply = jwks(ED, RSA)
    rig.clock += 31
    with pytest.raises(TokenInvalid):
        await rig.verify(Signer("new").token())
    with pytest.raises(TokenInvalid, match="kid"):
        await rig.verify(ec)
    assert (await rig.verify(ed)).name == "Ann"


async def test_a_known_token_does_not_outlive_keys_that_are_too_old(rig: Rig) -> None:
    token = EC.token(exp=2**40)
    await rig.verify(token)
    rig.source.reply = b""
    rig.clock += 24 * 3600
    with pytest.raises(KeysUnavailable):
        await rig.verify(token)


async def test_what_is_remembered_is_bounded() -> None:
    tokens = [EC.token(sub=f"ann-{number}") for number in range(10)]
    rig = Rig(EC, max_remembered_bytes=sum(map(len, tokens[:3])) + 10)
    await rig.verifier.start(rig.tasks)
    for token in tokens:
        await rig.verify(token)
    assert rig.verifier.remembered == 3
    await rig.verify(tokens[-1])
    assert rig.verifier.checked == 10
    await rig.verify(tokens[0])
    assert rig.verifier.checked == 11
    await rig.tasks.aclose()
