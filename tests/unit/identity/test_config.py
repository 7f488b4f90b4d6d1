from __future__ import annotations

import re
from pathlib import Path

import pytest

from identity.claims import TokenRules
from identity.config import Anonymous, IdentityConfig, KeyConfig, ReadingConfig
from service.config import ConfigError, EnvReader

LOOPBACK = "127.0.0.1"


def read(bind_host: str = LOOPBACK, **environ: str) -> IdentityConfig:
    env = EnvReader(environ)
    config = IdentityConfig.read(env, bind_host)
    env.done()
    return config


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "author-ids.key"
    file.write_bytes(b"k" * 32)
    return {
        "AUTH_JWKS": "https://issuer.example/keys",
        "AUTH_ISSUER": "https://issuer.example",
        "AUTH_AUDIENCE": "comments",
        "AUTHOR_ID_KEY_FILE": str(file),
    }


def test_on_loopback_anybody_posts_and_there_are_no_keys() -> None:
    assert read() == IdentityConfig(Anonymous.ANYBODY, None)


def test_keys_are_read_in_both_modes(keys: dict[str, str]) -> None:
    expected = KeyConfig(
        "https://issuer.example/keys", TokenRules("https://issuer.example", "comments"), b"k" * 32
    )
    assert read(**keys) == IdentityConfig(Anonymous.ANYBODY, expected)
    assert read(AUTH="jwt", **keys) == IdentityConfig(Anonymous.NOBODY, expected)
    assert read(AUTH="jwt", GUESTS="yes", **keys) == IdentityConfig(Anonymous.GUESTS, expected)
    assert expected.is_url


def test_keys_may_be_a_file_or_at_a_server_with_its_own_authority(keys: dict[str, str]) -> None:
    config = read(**keys | {"AUTH_JWKS": "/etc/keys.json", "AUTH_JWKS_CA_FILE": "ca.pem"})
    assert config.keys is not None
    assert not config.keys.is_url
    assert config.keys.ca_file == Path("ca.pem")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"]
)
def test_anybody_may_post_where_only_this_machine_can(host: str) -> None:
    assert read(host).anonymous is Anonymous.ANYBODY
    assert read("0.0.0.0", PUBLISHED_ON=host).anonymous is Anonymous.ANYBODY


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "2001:db8::1", "example.org", "128.0.0.1"]
)
def test_where_others_can_post_tokens_are_needed_or_a_word(host: str, keys: dict[str, str]) -> None:
    for environ in ({}, keys, {"ALLOW_ANONYMOUS": "no"}):
        with pytest.raises(ConfigError, match="AUTH=jwt, or ALLOW_ANONYMOUS=yes"):
            read(host, **environ)
        with pytest.raises(ConfigError, match=f"published on {host}"):
            read(PUBLISHED_ON=host, **environ)
    assert read(host, ALLOW_ANONYMOUS="yes").anonymous is Anonymous.ANYBODY
    assert read(host, AUTH="jwt", **keys).anonymous is Anonymous.NOBODY


def test_what_is_missing_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        read(AUTH="jwt")
    assert str(caught.value) == "AUTH_JWKS is not set"
    with pytest.raises(ConfigError) as caught:
        read(AUTH_JWKS="keys.json")
    for name in ("AUTH_ISSUER", "AUTH_AUDIENCE", "AUTHOR_ID_KEY_FILE"):
        assert f"{name} is not set" in str(caught.value)


def test_settings_of_keys_without_keys_are_a_mistake(keys: dict[str, str]) -> None:
    del keys["AUTH_JWKS"]
    with pytest.raises(ConfigError, match="AUTH_ISSUER is set, and AUTH_JWKS is not"):
        read(**keys)


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/keys",
        "ftp://issuer.example",
        "https://",
        "https://user@issuer.example",
        "https://a:b@issuer.example",
        "https://issuer.example/#k",
        "https://issuer.example:x/",
        "https://[",
    ],
)
def test_a_url_is_https_and_holds_no_secret(url: str, keys: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="AUTH_JWKS must be a file or an https URL"):
        read(**keys | {"AUTH_JWKS": url})


def test_the_key_of_author_ids_is_a_file_and_long_enough(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"k" * 31)
    with pytest.raises(ConfigError, match="at least 32 random bytes"):
        read(**keys | {"AUTHOR_ID_KEY_FILE": str(short)})
    with pytest.raises(ConfigError, match=r"AUTHOR_ID_KEY_FILE: .*: No such file"):
        read(**keys | {"AUTHOR_ID_KEY_FILE": str(tmp_path / "none")})


def read_reading(environ: dict[str, str], *, issues: bool = True) -> ReadingConfig:
    env = EnvReader(environ)
    config = ReadingConfig.read(env, issues=issues)
    env.done()
    return config


def test_reading_is_open_and_there_are_no_tickets_where_nothing_is_said() -> None:
    assert read_reading({}) == ReadingConfig(required=False, keys=None, life_s=14_400)


def test_reading_is_closed_if_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "tickets.key"
    path.write_text("k" * 32)
    variables = {"READ_AUTH": "required", "TICKET_KEY_FILE": str(path), "TICKET_HOURS": "0.5"}
    config = read_reading(variables | {"AUTH_JWKS": "/keys"})
    assert (config.required, config.life_s) == (True, 1800)
    assert config.keys is not None
    assert read_reading(variables, issues=False).required, "a node knows no tokens"


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"READ_AUTH": "yes"}, "READ_AUTH=yes must be one of open, required"),
        ({"READ_AUTH": "required", "AUTH_JWKS": "/keys"}, "TICKET_KEY_FILE is not set"),
        ({"READ_AUTH": "required", "TICKET_KEY_FILE": "/dev/zero"}, "needs AUTH_JWKS"),
        ({"TICKET_KEY_FILE": "/nowhere/at-all"}, "No such file or directory"),
        ({"TICKET_KEY_FILE": "/dev/null"}, "must hold 1 or 2 keys"),
        ({"TICKET_HOURS": "25"}, "TICKET_HOURS=25 must be a number from 0.01 to 24"),
        ({"TICKET_HOURS": "0"}, "TICKET_HOURS=0 must be"),
    ],
)
def test_what_cannot_work_is_told(variables: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(fault)):
        read_reading(variables)
