"""What `helm test` runs in a cluster, at the gateway of this one: Kubernetes is not needed."""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import urlsplit

import pytest

from cluster.cluster import Cluster
from cluster.folder import CHECKOUT
from cluster.issuer import DevelopmentIssuer

_SCRIPT = CHECKOUT / "deploy" / "helm" / "livecomments" / "files" / "post_and_read.py"
ANYBODY = {"AUTH": "open", "GUESTS": "no", "READ_AUTH": "open"}
ANN = {"AUTH": "jwt", "GUESTS": "no", "READ_AUTH": "required"}


async def run(cluster: Cluster, settings: dict[str, str]) -> tuple[int | None, str]:
    """Exit status and output."""
    gateway = urlsplit(cluster.https_url)
    place = {"GATEWAY": str(gateway.hostname), "HTTPS_PORT": str(gateway.port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_SCRIPT), env=settings | place,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_a_comment_of_anybody_is_seen(cluster: Cluster) -> None:
    status, out = await run(cluster, ANYBODY)
    assert status == 0, out
    assert "seen: helm test" in out


async def test_a_comment_with_a_token_is_seen_with_a_ticket(cluster: Cluster) -> None:
    issuer = DevelopmentIssuer.load(cluster.folder.issuer)
    token = issuer.token({"sub": "ann", "name": "Ann"}, {}, 600)
    status, out = await run(cluster, ANN | {"TOKEN": token})
    assert status == 0, out
    assert "ticket: 200" in out
    assert "seen: helm test" in out


@pytest.mark.parametrize(
    "settings", [ANYBODY | {"AUTH": "jwt"}, ANYBODY | {"READ_AUTH": "required"}]
)
async def test_what_is_not_refused_as_it_should_be_fails(
    cluster: Cluster, settings: dict[str, str]
) -> None:
    """Here anybody may do both."""
    status, out = await run(cluster, settings)
    assert status == 1
    assert "expected 401" in out
