from __future__ import annotations

import json
import stat
from pathlib import Path

import jwt
import pytest

from cluster.issuer import (
    AUDIENCE,
    ISSUER,
    DevelopmentIssuer,
    identity_variables,
    ticket_variables,
)
from identity.config import IdentityConfig, ReadingConfig
from identity.keys import read_key_set
from service.config import EnvReader

ANN = {"sub": "ann", "name": "Ann"}


def test_its_tokens_are_good_for_what_processes_are_given(tmp_path: Path) -> None:
    issuer = DevelopmentIssuer.load_or_create(tmp_path)
    found = read_key_set((tmp_path / "jwks.json").read_bytes(), secrets=False)
    assert found.ignored == ()
    token = issuer.token(ANN, {"launch-*": ["moderator"]}, 60)
    key = found.find(jwt.get_unverified_header(token)["kid"])
    assert key is not None
    claims = jwt.decode(token, key.material, [key.algorithm], audience=AUDIENCE, issuer=ISSUER)
    assert (claims["sub"], claims["name"], claims["exp"] - claims["iat"]) == ("ann", "Ann", 60)
    assert claims["lc.roles"] == {"launch-*": ["moderator"]}


def test_only_its_owner_reads_the_keys(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    DevelopmentIssuer.load_or_create(folder)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    keys = ("signing-key.json", "author-ids.key", "tickets.key")
    assert modes == {**dict.fromkeys(keys, 0o600), "jwks.json": 0o644}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "d" not in json.loads((folder / "jwks.json").read_bytes())["keys"][0]


def test_a_second_run_leaves_what_is_good(tmp_path: Path) -> None:
    first = DevelopmentIssuer.load_or_create(tmp_path)
    key = (tmp_path / "author-ids.key").read_bytes()
    (tmp_path / "jwks.json").unlink()
    assert DevelopmentIssuer.load_or_create(tmp_path) == first == DevelopmentIssuer.load(tmp_path)
    assert (tmp_path / "author-ids.key").read_bytes() == key
    assert (tmp_path / "jwks.json").read_bytes() == first.jwks


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "7"])
def test_a_damaged_key_is_replaced_and_author_ids_stay(tmp_path: Path, text: str) -> None:
    first = DevelopmentIssuer.load_or_create(tmp_path)
    key = (tmp_path / "author-ids.key").read_bytes()
    (tmp_path / "signing-key.json").write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011 - the message is json's
        DevelopmentIssuer.load(tmp_path)
    second = DevelopmentIssuer.load_or_create(tmp_path)
    assert second.jwks != first.jwks
    assert (tmp_path / "jwks.json").read_bytes() == second.jwks
    assert (tmp_path / "author-ids.key").read_bytes() == key


def test_the_key_of_tickets_is_made_once(tmp_path: Path) -> None:
    DevelopmentIssuer.load_or_create(tmp_path)
    key = (tmp_path / "tickets.key").read_bytes()
    DevelopmentIssuer.load_or_create(tmp_path)
    assert (tmp_path / "tickets.key").read_bytes() == key
    env = EnvReader(ticket_variables(tmp_path) | {"READ_AUTH": "required"})
    config = ReadingConfig.read(env, issues=False)
    env.done()
    assert config.required
    assert config.keys is not None


def test_a_process_can_read_what_it_is_told(tmp_path: Path) -> None:
    DevelopmentIssuer.load_or_create(tmp_path)
    env = EnvReader(identity_variables(tmp_path, {}))
    config = IdentityConfig.read(env, "127.0.0.1")
    env.done()
    assert config.keys is not None
    assert (config.keys.rules.issuer, config.keys.rules.audience) == (ISSUER, AUDIENCE)


def test_whoever_brings_an_issuer_has_to_name_it(tmp_path: Path) -> None:
    """The development issuer's name would make every token of another one bad."""
    told = identity_variables(tmp_path, {"AUTH_JWKS": "https://issuer.example/keys"})
    assert set(told) == {"AUTHOR_ID_KEY_FILE"}
