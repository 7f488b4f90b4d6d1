"""What a process is told about tokens, and who may post without one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from identity.author_id import MIN_KEY_BYTES
from identity.claims import TokenRules
from identity.readers import LIFE_S, MAX_LIFE_S
from identity.ticket_file import load_ticket_keys
from identity.tickets import TicketKeys
from service.config import EnvReader
from wire.hosts import is_loopback

OPEN, JWT = "open", "jwt"
_REQUIRED = "required"
_NO, _YES = "no", "yes"
_MAX_KEY_BYTES = 4096
_OF_ISSUER = ("AUTH_ISSUER", "AUTH_AUDIENCE")


class Anonymous(Enum):
    """Who posts without a token: anybody, as where there are no tokens; guests, whose comments say
    so; nobody.
    """

    ANYBODY = "anybody"
    GUESTS = "guests"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """source: an https URL, or the path of a file. ca_file: who vouches for the URL's server, None
    for the system's authorities.
    """

    source: str
    rules: TokenRules
    site_key: bytes
    ca_file: Path | None = None

    @property
    def is_url(self) -> bool:
        """Whether the keys are fetched over the network."""
        return _is_url(self.source)


@dataclass(frozen=True, slots=True)
class IdentityConfig:
    """keys: None where tokens cannot be checked, so that each is refused."""

    anonymous: Anonymous = Anonymous.ANYBODY
    keys: KeyConfig | None = None

    @classmethod
    def read(cls, env: EnvReader, bind_host: str) -> IdentityConfig:
        """Read the settings from `env`; faults are left in `env`. bind_host: where the process
        listens, which counts as published where nothing else is said.
        """
        auth = _read_auth(env, env.text("PUBLISHED_ON", bind_host))
        guests = env.choice("GUESTS", _NO, (_NO, _YES)) == _YES
        return cls(_anonymous(auth, guests=guests), _read_keys(env, required=auth == JWT))


@dataclass(frozen=True, slots=True)
class TicketKeyConfig:
    """found: what the file held at the start."""

    path: Path
    found: TicketKeys


@dataclass(frozen=True, slots=True)
class ReadingConfig:
    """required: whether reading needs a ticket or a token. keys: None where there are no tickets.
    life_s: for how long a ticket counts.
    """

    required: bool = False
    keys: TicketKeyConfig | None = None
    life_s: int = LIFE_S

    @classmethod
    def read(cls, env: EnvReader, *, issues: bool) -> ReadingConfig:
        """Read the settings from `env`; faults are left in `env`. issues: whether this process
        gives tickets out, for which it has to know the tokens.
        """
        required = env.choice("READ_AUTH", OPEN, (OPEN, _REQUIRED)) == _REQUIRED
        path = env.text("TICKET_KEY_FILE", None if required else "")
        if required and issues and not env.text("AUTH_JWKS", ""):
            env.fault("READ_AUTH=required needs AUTH_JWKS: who asks for a ticket shows a token")
        hours = env.number("TICKET_HOURS", LIFE_S / 3600, 0.01, MAX_LIFE_S / 3600)
        return cls(required, _read_ticket_keys(env, path) if path else None, round(hours * 3600))


def _read_auth(env: EnvReader, published: str) -> str:
    """`open` or `jwt`; `open` is a fault where others than this machine can post, unless that is
    allowed.
    """
    auth = env.choice("AUTH", OPEN, (OPEN, JWT))
    allowed = env.choice("ALLOW_ANONYMOUS", _NO, (_NO, _YES)) == _YES
    if auth == OPEN and not allowed and not is_loopback(published):
        env.fault(
            f"AUTH=open lets anybody post under any name, and this is published on {published}:"
            " set AUTH=jwt, or ALLOW_ANONYMOUS=yes if that is what you want"
        )
    return auth


def _anonymous(auth: str, *, guests: bool) -> Anonymous:
    if auth == OPEN:
        return Anonymous.ANYBODY
    return Anonymous.GUESTS if guests else Anonymous.NOBODY


def _read_keys(env: EnvReader, *, required: bool) -> KeyConfig | None:
    source = env.text("AUTH_JWKS", None if required else "")
    ca_file = env.text("AUTH_JWKS_CA_FILE", "")
    if not source:
        for name in filter(lambda name: env.text(name, ""), () if required else _OF_ISSUER):
            env.fault(f"{name} is set, and AUTH_JWKS is not")
        return None
    issuer, audience = map(env.text, _OF_ISSUER)
    key_file = env.text("AUTHOR_ID_KEY_FILE")
    if "://" in source and not _is_url(source):
        env.fault("AUTH_JWKS must be a file or an https URL without user, password and #")
    site_key = _read_site_key(env, key_file) if key_file else b""
    return KeyConfig(
        source, TokenRules(issuer, audience), site_key, Path(ca_file) if ca_file else None
    )


def _read_site_key(env: EnvReader, path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            key = file.read(_MAX_KEY_BYTES)
    except OSError as exc:
        env.fault(f"AUTHOR_ID_KEY_FILE: {path}: {exc.strerror}")
        return b""
    if len(key) < MIN_KEY_BYTES:
        env.fault(f"AUTHOR_ID_KEY_FILE: {path} must hold at least {MIN_KEY_BYTES} random bytes")
    return key


def _read_ticket_keys(env: EnvReader, path: str) -> TicketKeyConfig | None:
    try:
        return TicketKeyConfig(Path(path), load_ticket_keys(Path(path)))
    except OSError as exc:
        env.fault(f"TICKET_KEY_FILE: {path}: {exc.strerror}")
    except ValueError as exc:
        env.fault(f"TICKET_KEY_FILE: {path}: {exc}")
    return None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        alone = parts.username is None and parts.password is None and not parts.fragment
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and alone
    except ValueError:  # a port that is none
        return False
