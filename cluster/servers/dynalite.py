"""dynalite, an open emulator of DynamoDB, on this machine: the command that runs one, and whether
one answers.

It stands in for the service in a cluster on one machine, and in tests. It keeps its items in a file
of LevelDB's: a killed one has all that it has answered for, a machine that loses power perhaps not.
So this is no store for comments that matter.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster.servers import dynalite_packages

LOOPBACK = "127.0.0.1"
NODE_MAJOR = 20
REGION = "us-east-1"  # what dynalite says that it is
_SERVE = Path(__file__).parent / "dynalite_server" / "serve.js"
_DATA = "items"
_HEAP_MIB = 512
_ANSWERED_WITHIN_S = 10.0
# Any signature will do for dynalite, but there has to be one.
_LIST_TABLES = (
    b"POST / HTTP/1.1\r\nhost: dynalite\r\nconnection: close\r\n"
    b"content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n"
    b"x-amz-date: 20260101T000000Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=a/20260101/"
    b"us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=a\r\n"
    b'content-length: 11\r\n\r\n{"Limit":1}'
)
_OK = b"HTTP/1.1 200 "


@dataclass(frozen=True, slots=True)
class DynaliteServer:
    """One server: its folder and its port."""

    folder: Path
    port: int
    host: str = LOOPBACK


def variables_for(host: str, port: int) -> dict[str, str]:
    """With which our processes find the server there. The credentials are nobody's, and a person's
    own are not looked at.
    """
    return {
        "DYNAMODB_ENDPOINT": f"http://{host}:{port}",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "livecomments",
        "AWS_SECRET_ACCESS_KEY": "livecomments",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def find_node() -> str | None:
    """The node command of NODE_MAJOR or newer that npm is there for too, or None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=_ANSWERED_WITHIN_S
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.", said)
    return node if found is not None and int(found[1]) >= NODE_MAJOR else None


def command(server: DynaliteServer, packages: Path) -> list[str]:
    """Runs the server in the foreground; its folder must be the working directory. Raises
    FileNotFoundError without Node, or if dynalite is not in `packages`.
    """
    node = find_node()
    if node is None:
        raise FileNotFoundError(f"Node {NODE_MAJOR} or newer, with npm, is not installed")
    if not dynalite_packages.are_there(packages):
        raise FileNotFoundError(
            f"dynalite is not in {packages}; `STORE=dynamodb livecomments install` fetches it"
        )
    server.folder.mkdir(parents=True, exist_ok=True)
    modules = (packages / dynalite_packages.MODULES).resolve()
    limit = f"--max-old-space-size={_HEAP_MIB}"
    return [node, limit, str(_SERVE), str(modules), server.host, str(server.port), _DATA]


async def answers(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether the server there serves clients: it has to read its file to reply."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_LIST_TABLES)
                return (await reader.readline()).startswith(_OK)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
