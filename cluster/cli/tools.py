"""Commands that start no cluster: install, dev, new-epoch."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

from cluster import readable
from cluster.addresses import join_port, reached_at
from cluster.cli.opening import console_progress, find_jars, open_cluster
from cluster.folder import CHECKOUT, home_folder
from cluster.new_epoch import renew_cluster_epoch, renew_file_epoch
from cluster.parts import Kind, kinds_of
from cluster.port_check import require_free_for_dev
from cluster.servers.install import ensure_browser, ensure_installed
from cluster.settings import DEV_NAME, Settings, read_dev_address, read_name, read_settings
from cluster.terminal import say


@click.command()
@click.option("--tests", is_flag=True, help="Also install what the tests need, a browser too.")
def install(tests: bool) -> None:
    """Install what `up` needs and is missing, and start nothing.

    Java, ZooKeeper and HAProxy by apt-get; with STORE=cassandra also Java 17 and Maven, and
    Cassandra by Maven.
    """
    settings = read_settings(os.environ, Settings(read_name(os.environ)))
    progress = console_progress()
    ensure_installed(list(Kind) if tests else kinds_of(settings), find_jars(), progress)
    if tests:
        ensure_browser(progress)


@click.command()
def dev() -> None:
    """Run topology `single`: one process, in the foreground.

    Variables: BIND (127.0.0.1), HTTP_PORT (8080); what the writer and the node read from the
    environment is passed on.
    """
    folder = home_folder(os.environ) / DEV_NAME
    folder.mkdir(parents=True, exist_ok=True)
    bind, port = read_dev_address(os.environ)
    require_free_for_dev(bind, port)
    defaults = {
        "SERVICE_ID": "dev",
        "SQLITE_PATH": str(folder / "comments.sqlite3"),
        "DEMO": "on",
    }
    address = {"BIND_HOST": bind, "PUBLIC_PORT": str(port)}
    url = f"http://{join_port(reached_at(bind), port)}"
    say("\n".join([*readable.lines_to_try(url), "or do both in a browser:", f"  {url}/demo"]))
    os.chdir(CHECKOUT)
    command = [sys.executable, "-m", "single"]
    environment = defaults | dict(os.environ) | address
    os.execve(sys.executable, command, environment)  # noqa: S606 - becomes it


@click.command("new-epoch")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def new_epoch(file: Path | None) -> None:
    """Give the store a new epoch, after an older copy was restored.

    Every viewer then gets a `reset`; otherwise viewers would miss comments unnoticed. FILE is a
    store that no cluster uses; without it, this cluster's store, whose writers must be stopped.
    """
    if file is not None:
        old, new = renew_file_epoch(file)
    else:
        cluster = open_cluster()
        with cluster.folder.lock():
            old, new = asyncio.run(renew_cluster_epoch(cluster.runtime, cluster.plan()))
    say(f"the epoch was {old} and is {new}")


COMMANDS = (install, dev, new_epoch)
