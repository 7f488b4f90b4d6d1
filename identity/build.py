"""Puts together what a process needs to identify callers."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from identity.authenticator import Authenticator
from identity.author_id import AuthorIds
from identity.config import KeyConfig
from identity.key_ring import FILE_TIMES, URL_TIMES, KeyRing
from identity.key_source import KeyFile, KeyUrl
from identity.tokens import TokenVerifier
from service.metrics import Exports


def build_authenticator(config: KeyConfig | None, registry: CollectorRegistry) -> Authenticator:
    """For these keys, not started, with its figures in `registry`."""
    if config is None:
        return Authenticator(None)
    if config.is_url:
        ring = KeyRing(KeyUrl(config.source, config.ca_file), URL_TIMES)
    else:
        ring = KeyRing(KeyFile(Path(config.source)), FILE_TIMES)
    verifier = TokenVerifier(ring, config.rules, AuthorIds(config.site_key))
    exports = Exports(registry)
    exports.counter("key_fetches", "Key sets asked for", lambda: ring.fetches)
    exports.counter("key_fetches_failed", "Key sets not got", lambda: ring.failures)
    exports.counter("tokens_checked", "Signatures of tokens checked", lambda: verifier.checked)
    exports.gauge("tokens_remembered", "Tokens known to be good", lambda: verifier.remembered)
    return Authenticator(verifier)
