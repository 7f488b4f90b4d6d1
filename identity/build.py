"""Puts together what a process needs to identify callers."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from identity.authenticator import Authenticator
from identity.author_id import AuthorIds
from identity.config import IdentityConfig, ReadingConfig
from identity.key_ring import FILE_TIMES, URL_TIMES, KeyRing
from identity.key_source import KeyFile, KeyUrl
from identity.readers import Readers
from identity.revocations import Revocations
from identity.ticket_file import TicketFile
from identity.tokens import TokenVerifier
from service.given_files import require_ca_file
from service.metrics import Exports


def build_authenticator(config: IdentityConfig, registry: CollectorRegistry) -> Authenticator:
    """As configured, not started, with its figures in `registry`. Raises ConfigError if the CA's
    file cannot be used.
    """
    keys = config.keys
    if keys is None:
        return Authenticator(None, config.anonymous)
    if keys.is_url:
        require_ca_file("AUTH_JWKS_CA_FILE", keys.ca_file)
        ring = KeyRing(KeyUrl(keys.source, keys.ca_file), URL_TIMES)
    else:
        ring = KeyRing(KeyFile(Path(keys.source)), FILE_TIMES)
    verifier = TokenVerifier(ring, keys.rules, AuthorIds(keys.site_key))
    exports = Exports(registry)
    exports.counter("key_fetches", "Key sets asked for", lambda: ring.fetches)
    exports.counter("key_fetches_failed", "Key sets not got", lambda: ring.failures)
    exports.counter("tokens_checked", "Signatures of tokens checked", lambda: verifier.checked)
    exports.gauge("tokens_remembered", "Tokens known to be good", lambda: verifier.remembered)
    return Authenticator(verifier, config.anonymous)


def build_readers(
    config: ReadingConfig, registry: CollectorRegistry, revocations: Revocations
) -> Readers:
    """As configured, with its figures in `registry`. revocations: of the process."""
    keys = config.keys
    file = None if keys is None else TicketFile(keys.path, keys.found)
    readers = Readers(
        required=config.required, file=file, life_s=config.life_s, revocations=revocations
    )
    exports = Exports(registry)
    exports.counter("tickets_issued", "Tickets given out", lambda: readers.issued)
    exports.counters(
        "tickets_refused", "Tickets missing or refused", "code", lambda: readers.refused
    )
    return readers
