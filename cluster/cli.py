"""The `livecomments` command. Each command is a few lines around `Cluster`."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec

from cluster import readable
from cluster.addresses import join_port, reached_at
from cluster.cluster import Cluster
from cluster.errors import ClusterError, NoCluster, StateLost, StepFailed
from cluster.folder import (
    CHECKOUT,
    HOME_VARIABLE,
    ClusterFolder,
    home_folder,
    jars_folder,
    require_own_environment,
)
from cluster.new_epoch import renew_cluster_epoch, renew_file_epoch
from cluster.parts import Kind, kinds_of
from cluster.port_check import require_free_for_dev
from cluster.progress import ConsoleProgress, Update
from cluster.route import fetch_route
from cluster.runtime import RUNNING
from cluster.runtimes import choose_runtime, why_not_docker
from cluster.servers.install import ensure_browser, ensure_installed
from cluster.settings import DEV_NAME, Settings, read_dev_address, read_name, read_settings
from cluster.status import fetch_figures, fetch_rows, lost_rows
from cluster.terminal import (
    Screen,
    complain,
    end_when_nobody_reads,
    ensure_streams,
    fail,
    say,
    screen_for_tables,
)
from service.config import ConfigError
from service.logs import configure_logs

_console = Screen(soft_wrap=True)
_LOG_LINES = 20
_NO_PLACE = (
    errno.EACCES,
    errno.EEXIST,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)
_TELL_EVERY_S = 0.3


class _Commands(click.Group):
    """Turns what can go wrong into one line for a person and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except StepFailed as exc:
            for line in exc.log_tail.splitlines():
                complain(f"  {exc.part} | {readable.readable_line(line)}")
            fail(str(exc))
        except (ClusterError, ConfigError) as exc:
            fail(str(exc))
        except OSError as exc:
            fail(_in_words(exc))


class _TakesVideo(click.Command):
    """A video id may begin with a dash. So whatever is no option of ours is one; all are flags."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the options first and a `--` behind them, unless a person did."""
        if "--" not in args:
            options = {name for param in self.get_params(ctx) for name in param.opts}
            flags = [arg for arg in args if arg.startswith("-") and arg in options]
            args = [*flags, "--", *(arg for arg in args if arg not in flags)]
        return super().parse_args(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and inspect a livecomments cluster on this machine.

    Another cluster than the default one is named by the variable CLUSTER.
    """
    ensure_streams()
    require_own_environment(sys.argv[0])
    configure_logs(level="error", style="console", role="cli", id="livecomments")


@main.command()
def up() -> None:
    """Start everything that does not run, and wait until it is ready.

    Variables: NODES, DISPATCHERS, WRITERS, ZOOKEEPERS and CASSANDRAS (1 or 3), STORE, TOPOLOGY,
    PLACEMENT (hash, round_robin), RUNTIME, BIND, HTTP_PORT, HTTPS_PORT, CLUSTER. What is not set
    stays as it was.
    """
    name = read_name(os.environ)
    folder = ClusterFolder(home_folder(os.environ), name)
    progress = ConsoleProgress(_console)
    with folder.lock():
        known = folder.load().settings if folder.exists() else None
        settings = read_settings(os.environ, known or _new_settings(name, progress))
        if settings.runtime == "local":
            ensure_installed(kinds_of(settings), _jars(), progress)
        elif reason := why_not_docker(kinds_of(settings), os.environ, progress):
            raise ClusterError(f"RUNTIME=docker: {reason}; RUNTIME=local needs none of it")
        cluster = Cluster.create(settings)
        asyncio.run(cluster.up(progress))
    if known is not None and settings.environment != known.environment:
        say("Variables reach a process when it starts: those that ran keep what they had.")
    say("\n".join(readable.closing_words(cluster)))


@main.command()
@click.option("--tests", is_flag=True, help="And all that the tests need, a browser too.")
def install(tests: bool) -> None:
    """Install what `up` would, if it is missing, and start nothing.

    Java, ZooKeeper and HAProxy by apt-get; with STORE=cassandra also Java 17 and Maven, and
    Cassandra by Maven.
    """
    settings = read_settings(os.environ, Settings(read_name(os.environ)))
    progress = ConsoleProgress(_console)
    ensure_installed(list(Kind) if tests else kinds_of(settings), _jars(), progress)
    if tests:
        ensure_browser(progress)


@main.command()
def dev() -> None:
    """Run everything in one process in the foreground (topology `single`).

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


@main.command()
def down() -> None:
    """Stop everything; data is kept."""
    cluster = _change(lambda cluster: cluster.down(ConsoleProgress(_console)))
    say(f"The cluster {cluster.settings.name} is stopped; its data is in {cluster.folder.path}")


@main.command("new-epoch")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def new_epoch(file: Path | None) -> None:
    """Give the store a new identity, after an older copy was restored.

    Every viewer then gets a `reset` instead of missing comments without a word. FILE is a copy that
    no cluster uses; without it, this cluster's store, whose writers must be stopped.
    """
    if file is not None:
        old, new = renew_file_epoch(file)
    else:
        cluster = _open()
        with cluster.folder.lock():
            old, new = asyncio.run(renew_cluster_epoch(cluster.runtime, cluster.plan()))
    say(f"the epoch was {old} and is {new}")


@main.command()
def clean() -> None:
    """Stop everything and forget it, comments included."""
    name = read_name(os.environ)
    folder = ClusterFolder(home_folder(os.environ), name)
    if not folder.has_remains():
        say(f"there is no cluster {name}")
        return
    _change(lambda cluster: cluster.clean(ConsoleProgress(_console)))
    say(f"The cluster {name} is gone")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Show every part: whether it is ready or why not, and its figures.

    The exit status is 0 if all parts are ready, else 1.
    """
    cluster, lost = _open_or_rescue()
    rows = lost_rows(cluster) if lost else asyncio.run(fetch_rows(cluster))
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        screen_for_tables().print(readable.status_table(cluster.settings.name, rows))
    if lost:
        fail(lost)
    sys.exit(0 if all(row.ready for row in rows) else 1)


@main.command(cls=_TakesVideo)
@click.argument("video")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def route(video: str, as_json: bool) -> None:
    """Show where a video is served and where the gateway sends it."""
    found = asyncio.run(fetch_route(_open(), video))
    text = msgspec.json.encode(found).decode() if as_json else None
    say(text or "\n".join(readable.route_lines(found)))


@main.command()
@click.argument("names", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is printed from now on.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=_LOG_LINES,
    show_default=True,
    help="Of each part.",
)
@click.option("--raw", is_flag=True, help="Lines as they were written.")
def logs(names: tuple[str, ...], follow: bool, lines: int, raw: bool) -> None:
    """Show the end of what parts printed (all of them, or NAMES)."""
    cluster = _open()
    chosen = [cluster.part(name).name for name in names] or [part.name for part in cluster.parts]
    width = max(map(len, chosen))

    found: Iterable[tuple[str, str]]
    if follow:
        end_when_nobody_reads()
        found = cluster.runtime.follow_logs(chosen, lines=lines)
    else:
        tails = {name: cluster.runtime.log_tail(name, lines) for name in chosen}
        found = ((name, line) for name in chosen for line in tails[name].splitlines())
    with suppress(KeyboardInterrupt):
        for name, line in found:
            if not say(f"{name:{width}} | {line if raw else readable.readable_line(line)}"):
                break


@main.command()
@click.argument("names", nargs=-1, required=True)
def start(names: tuple[str, ...]) -> None:
    """Start parts that do not run, and wait until they are ready."""
    _each(names, lambda cluster, name, _: cluster.start(name), "starting")


@main.command()
@click.argument("names", nargs=-1, required=True)
def stop(names: tuple[str, ...]) -> None:
    """End parts soon and cleanly, without a drain."""
    _each(names, lambda cluster, name, _: cluster.stop(name), "stopping")


@main.command()
@click.argument("names", nargs=-1, required=True)
def drain(names: tuple[str, ...]) -> None:
    """Let parts hand over their work and end (SIGTERM)."""
    _each(names, _drain, "draining")


@main.command()
@click.argument("names", nargs=-1, required=True)
def kill(names: tuple[str, ...]) -> None:
    """End parts without warning (SIGKILL)."""
    _each(names, lambda cluster, name, _: cluster.kill(name), "killing")


@main.command()
@click.argument("names", nargs=-1, required=True)
def pause(names: tuple[str, ...]) -> None:
    """Freeze parts: sockets stay open, nothing answers (SIGSTOP)."""
    _each(names, _now(Cluster.pause), "pausing")


@main.command()
@click.argument("names", nargs=-1, required=True)
def resume(names: tuple[str, ...]) -> None:
    """Let paused parts go on (SIGCONT)."""
    _each(names, _now(Cluster.resume), "resuming")


@main.command()
@click.argument("names", nargs=-1, required=True)
def partition(names: tuple[str, ...]) -> None:
    """Cut parts off from all others, as if their cables were pulled; they run on."""
    _each(names, _now(Cluster.partition), "cutting off")


@main.command()
@click.argument("names", nargs=-1, required=True)
def heal(names: tuple[str, ...]) -> None:
    """Connect parts again after `partition`."""
    _each(names, _now(Cluster.heal), "connecting")


_Act = Callable[[Cluster, str, Update], Coroutine[Any, Any, object]]


def _now(act: Callable[[Cluster, str], None]) -> _Act:
    async def run(cluster: Cluster, name: str, _update: Update) -> None:
        act(cluster, name)

    return run


async def _drain(cluster: Cluster, name: str, update: Update) -> None:
    """Tell how many viewers are left while it drains."""

    async def tell() -> None:
        while True:
            figures = await fetch_figures(cluster, cluster.part(name))
            if figures.get("viewers") is not None:
                update(f"{figures['viewers']} viewers left")
            await asyncio.sleep(_TELL_EVERY_S)

    telling = asyncio.ensure_future(tell())
    try:
        if not await cluster.drain(name):
            raise ClusterError(f"{name} did not end in time and was killed")
    finally:
        telling.cancel()


def _jars() -> Path:
    return jars_folder(home_folder(os.environ))


def _new_settings(name: str, progress: ConsoleProgress) -> Settings:
    """What a cluster is made of that nobody has said anything about."""
    runtime = os.environ.get("RUNTIME")
    if not runtime:
        asked = read_settings(os.environ, Settings(name))
        runtime = choose_runtime(kinds_of(asked), os.environ, progress)
    # An ensemble costs as little as one server there, and is what people run.
    zookeepers = 3 if runtime == "docker" else 1
    return Settings(name, runtime=runtime, zookeepers=zookeepers)


def _open() -> Cluster:
    return Cluster.open(read_name(os.environ))


def _change(act: Callable[[Cluster], Coroutine[Any, Any, object]]) -> Cluster:
    cluster, _lost = _open_or_rescue()
    with cluster.folder.lock():
        asyncio.run(act(cluster))
    return cluster


def _open_or_rescue() -> tuple[Cluster, str]:
    """The cluster, or what is left of it and why it could not be opened; "" if it could."""
    name = read_name(os.environ)
    try:
        return Cluster.open(name), ""
    except (StateLost, NoCluster) as exc:
        return Cluster.rescue(name), str(exc)


def _each(names: tuple[str, ...], act: _Act, doing: str) -> None:
    """Do it to every named part, after all names were found to be right."""
    cluster = _open()
    for name in names:
        if cluster.condition(name) not in RUNNING and doing != "starting":
            raise ClusterError(f"{name} does not run")
    progress = ConsoleProgress(_console)
    with cluster.folder.lock():
        for name in names:
            with progress.step(f"{doing} {name}") as update:
                asyncio.run(act(cluster, name, update))


def _in_words(exc: OSError) -> str:
    home = home_folder(os.environ)
    if exc.errno in _NO_PLACE and str(exc.filename or "").startswith(str(home)):
        return f"{exc.filename}: {exc.strerror}; {HOME_VARIABLE}=folder keeps clusters elsewhere"
    return str(exc)
