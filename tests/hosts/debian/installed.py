"""Three Debian hosts, put up by the blocks of docs/hosts.md from the first to the last.

What the page leaves to the reader is done here: Cassandra, which this machine has from Maven
instead of Apache's packages; who may post; and where the repository is. Whoever makes certificates
sits on this machine, in the network of the hosts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cluster.folder import home_folder, jars_folder
from cluster.issuer import JWKS, DevelopmentIssuer, identity_variables
from cluster.servers import cassandra, cassandra_config, zookeeper
from tests.hosts.debian.machine import Failed, Machine
from tests.hosts.debian.page import read_blocks
from tests.hosts.units import ROOT

GATEWAY_PORT = 8080
ROLES = ("writer", "dispatcher", "node")
OPS_PORTS = {"writer": 8103, "dispatcher": 8203, "node": 8303}
_GATEWAYS = 2
_REPOSITORY = "srv/livecomments.git"
_ETC = Path("/etc/livecomments")
_DATA, _JARS = Path("/var/lib/cassandra"), Path("/opt/cassandra")
_HEAP_MIB = 512
_READY_WITHIN_S = 180.0
_JAVA_17 = """\
sed s/trixie/bookworm/ /etc/apt/sources.list >/etc/apt/sources.list.d/bookworm.list
cat >/etc/apt/preferences.d/bookworm <<END
Package: *
Pin: release n=bookworm
Pin-Priority: 100
END
apt-get update
"""
_CASSANDRA_UNIT = """\
[Unit]
Description=Cassandra
[Service]
WorkingDirectory={data}
ExecStart=/usr/lib/jvm/java-17-openjdk-amd64/bin/java {options} -cp {jars}/* {main_class}
Restart=always
SuccessExitStatus=143
[Install]
WantedBy=multi-user.target
"""
_SSH = """\
#!/bin/sh
exec /usr/bin/ssh -i {key} -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={known} "$@"
"""


@dataclass
class Installed:
    """folder: of what is made on this machine, the hosts' among it. `nodes` are those that the
    gateways are told of.
    """

    folder: Path
    machines: Sequence[Machine]
    blocks: dict[str, list[str]] = field(init=False)
    nodes: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.blocks = read_blocks(f"/{_REPOSITORY}")
        self.nodes = [f"{machine.address}:8301/8303" for machine in self.machines]

    def url(self, gateway: int = 0) -> str:
        """Of a gateway, the first if not said otherwise."""
        return f"http://{self.gateways[gateway].address}:{GATEWAY_PORT}"

    @property
    def gateways(self) -> Sequence[Machine]:
        """The hosts that have one."""
        return self.machines[:_GATEWAYS]

    @property
    def issuer(self) -> Path:
        """The folder of the keys that tokens are signed with."""
        return self.folder / "issuer"

    def all_steps(self) -> None:
        """The whole page. Raises Failed."""
        for step in (
            self.programs, self.zookeeper, self.cassandra, self.certificates, self.settings,
            self.gateway, self.start,
        ):  # fmt: skip
            began = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - began:.0f} s", flush=True)

    def programs(self) -> None:
        """1."""
        for machine in self.machines:
            bare = machine.root / _REPOSITORY
            _run(["git", "clone", "-q", "--bare", str(ROOT), str(bare)])
        (block,) = self.blocks["The programs"]
        self.everywhere(block, outside=True)

    def zookeeper(self) -> None:
        """2."""
        (block,) = self.blocks["ZooKeeper"]
        self.everywhere(block)

    def cassandra(self) -> None:
        """3, with the jars that this machine has. The page's lines must be in the configuration."""
        jars = jars_folder(home_folder(os.environ))
        hosts = [machine.address for machine in self.machines]
        for number, machine in enumerate(self.machines, 1):
            shutil.copytree(jars, machine.root / _JARS.relative_to("/"))
            yaml = cassandra_config.render(
                hosts=hosts, number=number, cql_port=9042, storage_port=7000, folder=_DATA
            )
            for line in self.blocks["Cassandra"][0].replace("0.N", f"0.{number}").splitlines():
                name, _, value = line.partition(": ")
                assert name.lstrip(" -") in yaml, line
                assert name.endswith("seeds") or f"\n{name}: {value}\n" in yaml, line
            cassandra_config.write(machine.root / _DATA.relative_to("/"), yaml)
            self._write_cassandra_unit(machine)
        self.everywhere("systemctl daemon-reload")
        for machine in self.machines:
            machine.run("systemctl enable --now cassandra")
            self.until(partial(_cassandra_answers, machine), "Cassandra")

    def certificates(self) -> None:
        """4."""
        for block in self.blocks["Certificates and keys"]:
            self.as_admin(block)

    def as_admin(self, command: str) -> str:
        """On the machine that serves nothing. Raises Failed."""
        admin, programs = self.folder / "admin", self.folder / "bin"
        for made in (admin, programs):
            made.mkdir(exist_ok=True)
        ssh = programs / "ssh"
        known = self.folder / "known_hosts"
        ssh.write_text(_SSH.format(key=self.machines[0].key, known=known))
        ssh.chmod(0o755)
        path = f"{programs}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
        return _run(["bash", "-ec", command], cwd=admin, env=os.environ | {"PATH": path})

    def settings(self) -> None:
        """5, and everybody may post: whoever has a token of ours is a moderator."""
        (block,) = self.blocks["Settings"]
        self.everywhere(block)
        DevelopmentIssuer.load_or_create(self.issuer)
        said = identity_variables(self.issuer, {}) | {
            "AUTH": "open", "ALLOW_ANONYMOUS": "yes", "AUTH_JWKS": str(_ETC / JWKS),
            "AUTHOR_ID_KEY_FILE": str(_ETC / "author-ids.key"),
        }  # fmt: skip
        for machine in self.machines:
            etc = machine.root / _ETC.relative_to("/")
            shutil.copy(self.issuer / JWKS, etc)
            lines = (etc / "writer.env").read_text().splitlines()
            kept = [line for line in lines if line.partition("=")[0] not in said]
            more = [f"{name}={value}" for name, value in said.items()]
            (etc / "writer.env").write_text("\n".join([*kept, *more]) + "\n")

    def gateway(self) -> None:
        """6; again with other `nodes` when these have changed."""
        (block,) = self.blocks["The gateway"]
        standing = "--node 10.0.0.1:8301/8303 --node 10.0.0.2:8301/8303 --node 10.0.0.3:8301/8303"
        assert standing in block
        said = block.replace(standing, " ".join(f"--node {node}" for node in self.nodes))
        self.everywhere(said, self.gateways)

    def start(self) -> None:
        """7, with what is asked for at its end."""
        processes, gateway, questions = self.blocks["Start"]
        self.everywhere(processes)
        self.everywhere(gateway, self.gateways)
        self.until_ready()
        print(self.machines[0].run(questions))

    def everywhere(
        self, block: str, machines: Sequence[Machine] | None = None, *, outside: bool = False
    ) -> None:
        """A block on each of these hosts (all), at the same time. Raises Failed."""
        with ThreadPoolExecutor() as pool:
            for done in [
                pool.submit(self.on, machine, block, outside=outside)
                for machine in machines or self.machines
            ]:
                done.result()

    def on(self, machine: Machine, block: str, *, outside: bool = False) -> str:
        """A block in a shell of a host, which knows the host's number. Raises Failed."""
        return machine.run(f"N={self.machines.index(machine) + 1}\n{block}", outside=outside)

    def until_ready(self, machines: Iterable[Machine] | None = None) -> None:
        """Wait until everything of these hosts (all) serves. Raises Failed."""
        for machine in machines or self.machines:
            for what, ready in self._serving(machine):
                self.until(ready, f"{what} of {machine.name}")

    def until(self, ready: Callable[[], bool], what: str) -> None:
        """Raises Failed."""
        give_up_at = time.monotonic() + _READY_WITHIN_S
        while not ready():
            if time.monotonic() > give_up_at:
                raise Failed(f"{what}: not ready")
            time.sleep(0.1)

    def _serving(self, machine: Machine) -> Iterable[tuple[str, Callable[[], bool]]]:
        yield "ZooKeeper", partial(_zookeeper_answers, machine)
        yield "Cassandra", partial(_cassandra_answers, machine)
        ports = dict(OPS_PORTS)
        if machine in self.gateways:
            ports["gateway"] = GATEWAY_PORT
        for role, port in ports.items():
            yield role, partial(answers, f"http://{machine.address}:{port}/readyz")

    def _write_cassandra_unit(self, machine: Machine) -> None:
        if machine.suite != "bookworm":
            machine.run(_JAVA_17, outside=True)
        machine.run("apt-get install -y openjdk-17-jre-headless", outside=True)
        agent = next((machine.root / _JARS.relative_to("/")).glob("jamm-*.jar")).name
        options = cassandra_config.jvm_options(_DATA, _HEAP_MIB, _JARS / agent)
        unit = _CASSANDRA_UNIT.format(
            data=_DATA, jars=_JARS, main_class=cassandra.MAIN_CLASS,
            options=" ".join([*options, "-XX:TieredStopAtLevel=1"]),
        )  # fmt: skip
        (machine.root / "etc/systemd/system/cassandra.service").write_text(unit)


def answers(url: str) -> bool:
    """Whether it answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _cassandra_answers(machine: Machine) -> bool:
    return asyncio.run(cassandra.answers(machine.address, 9042))


def _zookeeper_answers(machine: Machine) -> bool:
    return asyncio.run(zookeeper.fetch_mode(machine.address, 2181)) is not None


def _run(command: list[str], **how: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **how)  # type: ignore[call-overload]
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return str(done.stdout)
