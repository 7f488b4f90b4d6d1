"""Commands that start no cluster: install, dev, token, new-epoch."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from cluster import readable
from cluster.addresses import LOOPBACK, join_port, reached_at
from cluster.cli.opening import console_progress, find_fetched, find_folder, open_cluster
from cluster.dev_run import DevRun
from cluster.errors import ClusterError
from cluster.folder import CHECKOUT, ClusterFolder, helm_folder, home_folder
from cluster.issuer import DevelopmentIssuer, identity_variables, ticket_variables
from cluster.new_epoch import renew_cluster_epoch, renew_file_epoch, renew_table
from cluster.parts import Kind, kinds_of
from cluster.port_check import require_free_for_dev
from cluster.ports import free_ports, is_free
from cluster.servers.install import (
    ensure_browser,
    ensure_dynalite,
    ensure_helm,
    ensure_installed,
    ensure_prometheus,
)
from cluster.settings import DEV_NAME, Settings, read_dev_address, read_name, read_settings
from cluster.terminal import say
from identity.roles import Roles

_MAX_PORT = 65_535


@click.command()
@click.option(
    "--tests",
    is_flag=True,
    help="Also install what the tests need: a browser, Prometheus and Helm too.",
)
def install(tests: bool) -> None:
    """Install what `up` needs and is missing, and start nothing.

    Java, ZooKeeper and HAProxy by apt-get; with STORE=cassandra also Java 17 and Maven, and
    Cassandra by Maven; with STORE=dynamodb its SDK by pip, and dynalite by npm.
    """
    settings = read_settings(os.environ, Settings(read_name(os.environ)))
    progress = console_progress()
    kinds = [kind for kind in Kind if kind is not Kind.DYNALITE] if tests else kinds_of(settings)
    ensure_installed(kinds, find_fetched(), progress)
    if tests:
        ensure_dynalite(find_fetched(), progress)
        ensure_browser(progress)
        ensure_prometheus(progress)
        ensure_helm(helm_folder(home_folder(os.environ)), progress)


@click.command()
def dev() -> None:
    """Run topology `single`: one process, in the foreground.

    Variables: BIND (127.0.0.1), HTTP_PORT (8080); what the writer and the node read from the
    environment is passed on.
    """
    folder = dev_folder()
    DevelopmentIssuer.load_or_create(folder.issuer)
    bind, port = read_dev_address(os.environ)
    require_free_for_dev(bind, port)
    defaults = {
        "SERVICE_ID": "dev",
        "OPS_HOST": LOOPBACK,
        "OPS_PORT": str(_dev_ops_port(port)),
        "SQLITE_PATH": str(folder.path / "comments.sqlite3"),
        **identity_variables(folder.issuer, os.environ),
        **ticket_variables(folder.issuer),
    }
    address = {"BIND_HOST": bind, "PUBLIC_PORT": str(port)}
    url = f"http://{join_port(reached_at(bind), port)}"
    given = {name: value for name, value in os.environ.items() if value}
    environment = defaults | given | address
    say("\n".join([*readable.lines_to_try(url), *readable.pages_to_open(url, for_dev=True)]))
    say("\n".join(_map_lines(environment["OPS_HOST"], environment["OPS_PORT"])))
    _note_dev_run(environment, folder)
    os.chdir(CHECKOUT)
    command = [sys.executable, "-m", "single"]
    os.execve(sys.executable, command, environment)  # noqa: S606 - becomes it


@click.command()
@click.option("--sub", required=True, help="Who it is for, as your issuer would call them.")
@click.option("--name", help="The name that their comments are shown under.")
@click.option(
    "--role",
    "grants",
    multiple=True,
    metavar="ROLE:VIDEO",
    help="viewer, member, moderator, owner, service or admin, and the video, or the beginning of"
    " its id and *. May be repeated.",
)
@click.option("--hours", default=12.0, show_default=True, help="How long it counts.")
@click.option("--dev", "for_dev", is_flag=True, help="For `make dev` instead of the cluster.")
def token(
    sub: str, name: str | None, grants: tuple[str, ...], hours: float, *, for_dev: bool
) -> None:
    """Print a token for development, signed with the key that `up` and `dev` have made.

    For example: livecomments token --sub ann --name Ann --role 'moderator:launch-*'
    """
    issuer = load_issuer(dev_folder() if for_dev else find_folder(), for_dev=for_dev)
    who = {"sub": sub} | ({"name": name} if name is not None else {})
    say(issuer.token(who, _read_grants(grants), round(hours * 3600)))


@click.command("new-epoch")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--dynamodb",
    is_flag=True,
    help="The table of DynamoDB that DYNAMODB_TABLE and AWS_REGION name, which no writer uses.",
)
def new_epoch(file: Path | None, *, dynamodb: bool) -> None:
    """Give the store a new epoch, after an older copy was restored.

    Every viewer then gets a `reset`; otherwise viewers would miss comments unnoticed. FILE is a
    store that no cluster uses; without it, this cluster's store, whose writers must be stopped.
    """
    if file is not None and dynamodb:
        raise ClusterError("FILE and --dynamodb are two stores; give one")
    if file is not None:
        old, new = renew_file_epoch(file)
    elif dynamodb:
        old, new = asyncio.run(renew_table(os.environ))
    else:
        cluster = open_cluster()
        with cluster.folder.lock():
            old, new = asyncio.run(renew_cluster_epoch(cluster.runtime, cluster.plan()))
    say(f"the epoch was {old} and is {new}")


def _note_dev_run(environment: Mapping[str, str], folder: ClusterFolder) -> None:
    """For `status --dev`; the process that this one becomes keeps its pid. A port that it will
    refuse is noted as 0.
    """
    ops = environment["OPS_PORT"]
    DevRun(
        environment["SERVICE_ID"],
        os.getpid(),
        (reached_at(environment["BIND_HOST"]), int(environment["PUBLIC_PORT"])),
        (reached_at(environment["OPS_HOST"]), int(ops) if ops.isdecimal() else 0),
    ).save(folder)


def _map_lines(host: str, port: str) -> list[str]:
    """Where the process shows itself; nothing if it chooses the port, or will refuse it."""
    if not port.isdecimal() or not int(port):
        return []
    return ["and see how it is doing:", f"  http://{join_port(reached_at(host), int(port))}/map"]


def _dev_ops_port(public_port: int) -> int:
    """The next port, so that a page of the map that is open finds the next run; another one if that
    is taken.
    """
    wanted = public_port + 1
    try:
        if wanted <= _MAX_PORT and is_free(LOOPBACK, wanted):
            return wanted
    except OSError:  # for root only
        pass
    return free_ports(1)[0]


def load_issuer(folder: ClusterFolder, *, for_dev: bool) -> DevelopmentIssuer:
    """The issuer for development. Raises ClusterError if `up` or `dev` has not made it."""
    try:
        return DevelopmentIssuer.load(folder.issuer)
    except (OSError, ValueError):
        mine, other = ("make dev", "make cluster-up")[:: 1 if for_dev else -1]
        there = (find_folder() if for_dev else dev_folder()).issuer.exists()
        change = "leave out --dev" if for_dev else "add --dev"
        hint = f"; for `{other}` {change}" if there else ""
        why = f"there is no key in {folder.issuer}; `{mine}` creates one{hint}"
        raise ClusterError(why) from None


def dev_folder() -> ClusterFolder:
    """What belongs to `make dev`."""
    return ClusterFolder(home_folder(os.environ), DEV_NAME)


def _read_grants(grants: tuple[str, ...]) -> dict[str, list[str]]:
    """Pattern -> roles. Raises ClusterError for what a token could not say."""
    found: dict[str, list[str]] = {}
    for grant in grants:
        role, colon, pattern = grant.partition(":")
        if not colon:
            raise ClusterError(f"--role {grant}: must be ROLE:VIDEO, such as moderator:launch-*")
        found.setdefault(pattern, []).append(role)
    try:
        Roles(found)
    except ValueError as exc:
        raise ClusterError(f"--role: {exc}") from exc
    return found


COMMANDS = (install, dev, token, new_epoch)
