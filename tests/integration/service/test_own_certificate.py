"""A process and its own certificate: what it refuses to start with, and what to rotate to."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cluster.ca import CA_DAYS, DevelopmentCa, Issued
from service import tls
from service.config import ConfigError, EnvReader, ServiceConfig
from service.metrics import render
from service.shell import Shell
from service.tls import TlsFiles
from tests.integration.service.pki import DAY
from tests.support import eventually
from wire.roles import Role, dns_name

NODE_NAME = dns_name(Role.NODE, "n1")
Fault = Callable[[DevelopmentCa], Issued]


def dated(start: dt.timedelta, end: dt.timedelta) -> Fault:
    now = dt.datetime.now(dt.UTC)
    return lambda ca: ca.issue(Role.NODE, "n1", not_before=now + start, not_after=now + end)


def of_another_ca(ca: DevelopmentCa) -> Issued:
    foreign = DevelopmentCa.new().issue(Role.NODE, "n1")
    return Issued(ca.pem, foreign.cert_pem, foreign.key_pem)


def with_another_key(ca: DevelopmentCa) -> Issued:
    issued = ca.issue(Role.NODE, "n1")
    return Issued(ca.pem, issued.cert_pem, ca.issue(Role.NODE, "n1").key_pem)


FAULTS: dict[str, tuple[Fault, str]] = {
    "another id": (lambda ca: ca.issue(Role.NODE, "n2"), f"not valid for '{NODE_NAME}'"),
    "another role": (lambda ca: ca.issue(Role.WRITER, "n1"), f"not valid for '{NODE_NAME}'"),
    "no URI": (
        lambda ca: ca.issue_gateway((NODE_NAME,)),
        "the URI name in cert.pem must be livecomments://node/n1, and is none",
    ),
    "expired": (dated(-2 * DAY, -DAY), "refused by other processes: certificate has expired"),
    "early": (dated(DAY, 2 * DAY), "certificate is not yet valid"),
    "another CA": (of_another_ca, "unable to get local issuer certificate"),
    "another key": (with_another_key, "key.pem is not the key of cert.pem"),
    "junk": (lambda ca: Issued(ca.pem, b"junk", b"junk"), "cert.pem or key.pem cannot be used"),
    "no CA": (lambda ca: Issued(b"junk", b"junk", b"junk"), "ca.pem holds no certificate"),
}
faults = pytest.mark.parametrize(("fault", "why"), FAULTS.values(), ids=FAULTS)


class Node:
    """A node's folder, and the shell of a process around it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ca = folder, DevelopmentCa.new()
        env = EnvReader({"SERVICE_ID": "n1", "TLS_DIR": str(folder)})
        self.config = ServiceConfig.read(env, Role.NODE)

    def figure(self, shell: Shell) -> float:
        lines = render(shell.registry).decode().splitlines()
        name = "livecomments_certificate_expires_in_days "
        return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.fixture
async def shell(node: Node, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shell]:
    monkeypatch.setattr(tls, "_CHECK_EVERY_S", 0.01)
    node.ca.issue(Role.NODE, "n1").write(node.folder)
    shell = Shell(node.config)
    assert shell.tls.problem is None
    shell.start()
    yield shell
    await shell.tasks.aclose()


@faults
async def test_a_certificate_that_others_would_refuse_is_refused_at_once(
    node: Node, fault: Fault, why: str
) -> None:
    fault(node.ca).write(node.folder)
    with pytest.raises(ConfigError) as told:
        _ = Shell(node.config).tls
    assert str(told.value).startswith(f"TLS_DIR={node.folder}: ")
    assert why in str(told.value)


@faults
async def test_a_rotation_to_such_a_one_keeps_the_old_one_and_says_so(
    node: Node, shell: Shell, fault: Fault, why: str
) -> None:
    before = shell.tls.client()
    fault(node.ca).write(node.folder)
    await eventually(lambda: why in shell.health.degraded.get("certificate", ""))
    assert shell.tls.client() is before
    assert 364 < node.figure(shell) < 366

    node.ca.issue(Role.NODE, "n1").write(node.folder)
    await eventually(lambda: not shell.health.degraded)
    assert shell.tls.client() is not before


async def test_what_is_left_of_its_time_is_a_metric_also_after_a_rotation(
    node: Node, shell: Shell
) -> None:
    assert 364 < node.figure(shell) < 366
    dated(-DAY, 30 * DAY)(node.ca).write(node.folder)
    await eventually(lambda: 29 < node.figure(shell) < 31)


def test_a_certificate_that_ends_while_it_is_in_use_is_told(node: Node) -> None:
    node.ca.issue(Role.NODE, "n1").write(node.folder)
    now = time.time()
    files = TlsFiles(node.folder, (Role.NODE, "n1"), clock=lambda: now)
    assert not files.problem
    now += 366 * DAY.total_seconds()
    assert (files.problem, round(files.days_left)) == ("cert.pem has expired", -1)


def test_what_is_left_of_its_cas_time_counts_if_it_is_less(node: Node) -> None:
    old = DevelopmentCa.new("an old CA", now=dt.datetime.now(dt.UTC) - (CA_DAYS - 10) * DAY)
    issued = old.issue(Role.NODE, "n1")
    Issued(node.ca.pem + issued.ca_pem, issued.cert_pem, issued.key_pem).write(node.folder)
    files = TlsFiles(node.folder, (Role.NODE, "n1"))
    assert 9 < files.days_left <= 10


async def test_several_cas_and_a_chain_in_cert_pem_are_fine(node: Node) -> None:
    issued, other = node.ca.issue(Role.NODE, "n1"), DevelopmentCa.new("another CA")
    both = issued.cert_pem + node.ca.pem
    Issued(other.pem + node.ca.pem, both, issued.key_pem).write(node.folder)
    assert Shell(node.config).tls.problem is None
