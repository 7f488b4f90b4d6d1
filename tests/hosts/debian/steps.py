"""What is done to three Debian hosts while people post and watch. Each step ends when everything
serves again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.hosts.debian.installed import GATEWAY_PORT, ROLES, Installed, answers
from tests.hosts.debian.machine import Machine
from tests.hosts.debian.page import VERSION

Act = Callable[[Installed], None]
CUT_S = 30.0
_NODE_4 = """\
cat >/etc/livecomments/node-4.env <<END
PUBLIC_PORT=8401
INTERNAL_PORT=8402
OPS_PORT=8403
END
systemctl enable --now livecomments-node@4
"""
_CERTIFICATE_4 = """\
livecomments certs certs node/node-4
tar -C certs --owner=root:0 --group=livecomments:0 --mode=u=rwX,g=rX,o= -c node/node-4 |
    ssh root@10.0.0.3 'tar -C /etc/livecomments/tls -x'
"""


@dataclass(frozen=True, slots=True)
class Step:
    """`bound_s`: after its end nothing may be felt of it that much later. `gateway`: the one that
    people come by.
    """

    name: str
    act: Act
    bound_s: float = 25.0
    gateway: int = 0


def steps(before: str, now: str) -> Iterator[Step]:
    """All of them, in their order. before, now: commits; versions are changed between them."""
    yield Step("nothing", lambda site: site.until_ready())
    for role in ROLES:
        yield Step(f"a {role} killed", _killing(f"livecomments-{role}@3", 2))
    yield Step("a gateway killed", _killing("livecomments-gateway", 0))
    yield Step("a ZooKeeper killed", _killing("zookeeper", 2))
    yield Step("a Cassandra killed", _killing("cassandra", 2))
    for role in ROLES:
        yield Step(f"all {role}s restarted in turn", _restarting(role))
    yield Step("the gateways restarted in turn", _restart_gateways)
    yield Step("the gateways reloaded in turn", _reload_gateways)
    yield Step("ZooKeeper restarted in turn", _restarting_servers("zookeeper"))
    yield Step("Cassandra restarted in turn", _restarting_servers("cassandra"))
    yield Step("livecomments.target of a host stopped and started", _stop_and_start)
    yield Step("a host rebooted", _reboot)
    yield Step("a host without power", _crashing(2))
    yield Step("the other gateway's host without power", _crashing(0), gateway=1)
    yield Step("all hosts without power", _crashing(0, 1, 2), 60.0)
    yield Step(f"a host cut off for {CUT_S:.0f} s", _cut, 40.0)
    yield Step("a node added", _add_node)
    yield Step("a node removed", _remove_node)
    yield Step("certificates replaced", _replace_certificates)
    yield Step("an older version", _changing(before))
    yield Step("back to the newer version", _changing(now))


def _killing(unit: str, host: int) -> Act:
    def act(site: Installed) -> None:
        machine = site.machines[host]
        before = machine.run(f"systemctl show -P MainPID {unit}")
        machine.run(f"systemctl kill -s KILL {unit}")
        site.until(
            lambda: machine.run(f"systemctl show -P MainPID {unit}") not in (before, "0\n"), unit
        )
        site.until_ready()

    return act


def _restarting(role: str) -> Act:
    def act(site: Installed) -> None:
        for machine in site.machines:
            site.on(machine, f"systemctl restart livecomments-{role}@$N")
            site.until_ready([machine])

    return act


def _restart_gateways(site: Installed) -> None:
    for machine in site.gateways:
        machine.run("systemctl restart livecomments-gateway")
        site.until_ready([machine])


def _reload_gateways(site: Installed) -> None:
    for machine in site.gateways:
        machine.run("systemctl reload livecomments-gateway")
        site.until_ready([machine])


def _restarting_servers(unit: str) -> Act:
    def act(site: Installed) -> None:
        for machine in site.machines:
            machine.run(f"systemctl restart {unit}")
            site.until_ready([machine])

    return act


def _stop_and_start(site: Installed) -> None:
    machine = site.machines[2]
    machine.run("systemctl stop livecomments.target")
    left = machine.run("systemctl list-units --state=active --plain --no-legend 'livecomments-*'")
    assert ".service" not in left, left
    assert not machine.run("systemctl list-units --failed --plain --no-legend 'livecomments*'")
    machine.run("systemctl start livecomments.target")
    site.until_ready()


def _reboot(site: Installed) -> None:
    machine = site.machines[2]
    machine.reboot()
    site.until_ready()


def _crashing(*hosts: int) -> Act:
    """All of these at once."""

    def act(site: Installed) -> None:
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(site.machines[host].crash) for host in hosts]:
                done.result()
        site.until_ready()

    return act


def _cut(site: Installed) -> None:
    machine = site.machines[2]
    machine.network.cut(machine.name)
    time.sleep(CUT_S)
    machine.network.heal(machine.name)
    site.until_ready()


def _add_node(site: Installed) -> None:
    """On a host that has one already."""
    machine = site.machines[2]
    site.as_admin(_CERTIFICATE_4)
    machine.run(_NODE_4)
    site.until(lambda: answers(f"http://{machine.address}:8403/readyz"), "node-4")
    site.nodes.append(f"{machine.address}:8401/8403")
    _configure_gateways(site)


def _remove_node(site: Installed) -> None:
    """First it drains, then gateways forget it."""
    site.machines[2].run("systemctl disable --now livecomments-node@4")
    site.nodes.pop()
    _configure_gateways(site)


def _replace_certificates(site: Installed) -> None:
    """As long before their end as one likes: here they are taken away first."""
    since = time.time()
    site.as_admin("rm -r certs/writer certs/dispatcher certs/node")
    site.as_admin(site.blocks["Certificates and keys"][0])
    for machine in site.machines:
        site.until(partial(_reloaded, machine, since), "new certificates")
    site.until_ready()


def _reloaded(machine: Machine, since: float) -> bool:
    """Whether all processes of a host have new ones."""
    said = machine.run(f"journalctl -q -o cat -u 'livecomments-*@*' --since @{since:.0f}")
    return said.count('"certificates_reloaded"') >= len(ROLES)


def _configure_gateways(site: Installed) -> None:
    site.gateway()
    _reload_gateways(site)
    site.until(lambda: answers(f"{site.url()}/readyz"), f"gateway at {GATEWAY_PORT}")


def _changing(commit: str) -> Act:
    """The code of all hosts first: a process goes on with what it has read."""

    def act(site: Installed) -> None:
        checkout, restart = site.blocks["Another version"]
        site.everywhere(checkout.replace(VERSION, commit), outside=True)
        site.as_admin(restart)
        _configure_gateways(site)
        site.until_ready()

    return act
