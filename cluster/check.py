"""`haproxy -c` on every configuration that we can write; part of `make check`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from cluster import haproxy
from cluster.ca import DevelopmentCa
from cluster.settings import PLACEMENTS


def check_gateway(placement: str, folder: Path) -> str:
    """Write such a configuration into `folder`; what HAProxy has against it, "" for nothing.

    Warnings count.
    """
    DevelopmentCa.new().ensure_gateway(folder)
    servers = [haproxy.Server(n, "127.0.0.1", 21_000 + n, 22_000 + n) for n in (1, 2, 3)]
    config = haproxy.write(
        haproxy.Gateway(
            bind="127.0.0.1",
            http_port=8080,
            https_port=8443,
            certificate=Path("gateway.pem"),
            placement=placement,
            nodes=servers,
            writers=servers[:2],
            max_connections=haproxy.default_max_connections(),
            origins=["https://watch.example:8443", "http://[::1]"],
        ),
        folder,
    )
    command = [*haproxy.command(config), "-c", "-dW"]
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout if done.returncode else ""


def main() -> None:
    """Exit status 1 if HAProxy refuses one of the configurations."""
    failed = False
    for placement in PLACEMENTS:
        with tempfile.TemporaryDirectory() as folder:
            trouble = check_gateway(placement, Path(folder))
        print(f"haproxy -c, PLACEMENT={placement}: {'refused' if trouble else 'valid'}")
        print(trouble, end="", file=sys.stderr)
        failed = failed or bool(trouble)
    sys.exit(failed)


if __name__ == "__main__":
    main()
