"""A Debian host in namespaces of its own, with systemd as its first process.

It is made by debootstrap in a folder and has a network namespace that reaches the other hosts and
nothing else. Clock, kernel and cores are this machine's. What needs a package mirror or a package
registry is run with this machine's network instead, as on a host that has a way out.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.hosts.network import Network

_HERE = Path(__file__).parent
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # of a login as root
# What an installer of Debian would have put there besides the base system.
_INSTALLED = (
    "systemd,systemd-sysv,dbus,libpam-systemd,ca-certificates,iproute2,procps,openssh-server"
)
_BOOT_WITHIN_S = 60.0
# A unit that makes no sense in a namespace may fail; what is started by hand is not held up by it.
_BOOTED = ("running", "degraded")


class Failed(Exception):
    """A command on a host failed; str() has it, and what it printed."""


@dataclass
class Machine:
    """suite: bookworm or newer. root: where its file system is. key: of who may log in as root, by
    ssh. outside: the network namespace from which packages are reached.
    """

    name: str
    suite: str
    root: Path
    network: Network
    key: Path
    outside: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """On the network of the hosts."""
        return self.network.addresses[self.name]

    def make(self) -> None:
        """A fresh Debian, of this minute."""
        command = ["debootstrap", "--variant=minbase"]
        command += [f"--include={_INSTALLED}", self.suite, str(self.root)]
        _run(["nsenter", f"--net={self.outside}", *command])
        for name in ("etc/resolv.conf", "etc/hosts"):
            shutil.copy(Path("/") / name, self.root / name)
        (self.root / "etc" / "hostname").write_text(f"{self.name}\n")
        # dpkg syncs each file, which takes minutes on a busy disk.
        (self.root / "etc/dpkg/dpkg.cfg.d/no-sync").write_text("force-unsafe-io\n")
        self._trust_what_we_trust()
        ssh = self.root / "root" / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.key.with_suffix(".pub"), ssh / "authorized_keys")

    def boot(self) -> None:
        """Start it, and wait until systemd has. A host that has been on reboots by itself."""
        cgroup = _cgroups() / f"hosts-{os.getpid()}-{self.name}"
        boot = ["sh", str(_HERE / "boot.sh"), str(self.root), self.name, str(cgroup)]
        boot.append(str(self.network.namespace(self.name)))
        with (self.root.parent / f"{self.name}.console").open("ab") as console:
            self._process = subprocess.Popen(
                boot, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True,
            )  # fmt: skip
        self.until_booted()

    def until_booted(self) -> None:
        """Wait for systemd. Raises Failed."""
        give_up_at = time.monotonic() + _BOOT_WITHIN_S
        while time.monotonic() < give_up_at:
            try:
                state = self._inside(["systemctl", "is-system-running"], check=False).stdout
            except Failed:
                state = ""
            if state.strip() in _BOOTED:
                return
            time.sleep(0.1)
        raise Failed(f"{self.name} does not boot; see {self.name}.console")

    def reboot(self) -> None:
        """As a person does it; returns when it is up again."""
        before = self._init()
        self.run("systemctl --no-block reboot")
        give_up_at = time.monotonic() + 2 * _BOOT_WITHIN_S
        while Path(f"/proc/{before}").exists():
            if time.monotonic() > give_up_at:
                raise Failed(f"{self.name} does not go down")
            time.sleep(0.1)
        self.until_booted()

    def crash(self) -> None:
        """Power is cut, and there again at once: everything is killed, and it starts anew."""
        pid = self._init()
        os.kill(pid, signal.SIGKILL)
        self._join()
        self.boot()

    def off(self) -> None:
        """Everything on it is killed."""
        if self._process is None:
            return
        try:
            os.kill(self._init(), signal.SIGKILL)
        except Failed:
            self._process.kill()
        self._join()

    def run(self, command: str, *, outside: bool = False) -> str:
        """What lines of a shell print, as root. outside: with the network of this machine, for
        packages. Raises Failed.
        """
        return self._inside(["bash", "-ec", command], outside=outside).stdout

    def _inside(
        self, command: list[str], *, outside: bool = False, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        pid = str(self._init())
        network = [f"--net={self.outside}"] if outside else ["--net"]
        enter = ["nsenter", "-t", pid, "-m", "-p", "-u", "-i", "-C", *network]
        clean = ["env", "-i", "HOME=/root", f"PATH={_PATH}"]
        clean += ["DEBIAN_FRONTEND=noninteractive", "LANG=C.UTF-8"]
        return _run([*enter, "--wdns=/root", *clean, *command], check=check)

    def _init(self) -> int:
        """The process id, here, of its first process: the grandchild of what was started, since
        `unshare` is between. Raises Failed.
        """
        assert self._process is not None
        for child in _children(self._process.pid):
            for pid in _children(child):
                return pid
        raise Failed(f"{self.name} is not on")

    def _join(self) -> None:
        assert self._process is not None
        self._process.wait()
        self._process = None
        for folder in sorted(_cgroups().glob(f"hosts-{os.getpid()}-{self.name}/**/"), reverse=True):
            folder.rmdir()

    def _trust_what_we_trust(self) -> None:
        """CAs of whoever stands between this machine and the package registries."""
        shutil.copy(_CERTIFICATES, self.root / "usr/local/share/ca-certificates/machine.crt")
        _run(["chroot", str(self.root), "update-ca-certificates"])
        (self.root / "etc" / "pip.conf").write_text(f"[global]\ncert = {_CERTIFICATES}\n")


def _cgroups() -> Path:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    raise Failed("no cgroup2 is mounted here, which systemd needs")


def _children(parent: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout
    return [int(pid) for pid in found.split()]


def _run(command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done
