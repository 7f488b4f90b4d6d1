"""What a process is told so that it takes the tokens of a test."""

from __future__ import annotations

from pathlib import Path

from tests.tokens import AUDIENCE, ISSUER, SITE_KEY, Signer, jwks


def with_keys(folder: Path, *signers: Signer, **more: str) -> dict[str, str]:
    """The variables; the keys are in a file."""
    (folder / "jwks.json").write_bytes(jwks(*signers))
    (folder / "author-ids.key").write_bytes(SITE_KEY)
    return {
        "AUTH_JWKS": str(folder / "jwks.json"),
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCE": AUDIENCE,
        "AUTHOR_ID_KEY_FILE": str(folder / "author-ids.key"),
    } | more
