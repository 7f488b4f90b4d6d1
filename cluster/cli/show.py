"""Commands that show something and change nothing: status, route, logs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

import click
import msgspec

from cluster import readable
from cluster.cli.opening import (
    not_of_another_cluster,
    of_another_cluster,
    open_cluster,
    open_or_rescue,
)
from cluster.cli.tools import dev_folder
from cluster.dev_run import fetch_dev_row, load_dev_run
from cluster.errors import ClusterError
from cluster.registered import (
    ANNOUNCED,
    RegisteredRoute,
    fetch_registered,
    fetch_registered_route,
)
from cluster.route import Route, fetch_route
from cluster.status import fetch_rows, lost_rows
from cluster.terminal import end_when_nobody_reads, fail, say, screen_for_tables

_LOG_LINES = 20


class _TakesVideo(click.Command):
    """A video id may begin with a dash: whatever is no option, nor the value of one, is the
    video.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the options first and a `--` behind them, unless a person did."""
        if "--" not in args:
            args = self._options_first(ctx, args)
        return super().parse_args(ctx, args)

    def _options_first(self, ctx: click.Context, args: list[str]) -> list[str]:
        params = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        flags = {name for param in params if param.is_flag for name in param.opts}
        with_value = {name for param in params for name in param.opts} - flags
        options, others, left = list[str](), list[str](), iter(args)
        for arg in left:
            name, has_value, _ = arg.partition("=")
            if arg in flags or (name in with_value and has_value):
                options.append(arg)
            elif name in with_value:
                options += [arg, *islice(left, 1)]
            else:
                others.append(arg)
        return [*options, "--", *others]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--dev", "for_dev", is_flag=True, help="Of `make dev` instead of the cluster.")
@of_another_cluster("Show what is registered there, of a cluster that was not made by `up`.")
def status(as_json: bool, for_dev: bool, zookeeper: str | None) -> None:
    """Show every part: ready or why not, and its figures.

    The exit status is 0 if all parts are ready, else 1. With --zookeeper it is 0 if a writer, a
    dispatcher and a node are registered.
    """
    if zookeeper is not None and for_dev:
        raise ClusterError("--dev and --zookeeper are two places; give one")
    if zookeeper is not None:
        _show_registered(zookeeper, as_json=as_json)
        return
    if for_dev:
        lost, title = "", "make dev"
        rows = [asyncio.run(fetch_dev_row(load_dev_run(dev_folder())))]
    else:
        cluster, lost = open_or_rescue()
        title = f"cluster {cluster.settings.name}"
        rows = lost_rows(cluster) if lost else asyncio.run(fetch_rows(cluster))
    if as_json:
        _say_json(rows)
    else:
        screen_for_tables().print(readable.status_table(title, rows))
    if lost:
        fail(lost)
    sys.exit(0 if all(row.ready for row in rows) else 1)


@click.command(cls=_TakesVideo)
@click.argument("video")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@of_another_cluster("Ask there, and no gateway, for a cluster that was not made by `up`.")
def route(video: str, as_json: bool, zookeeper: str | None) -> None:
    """Show where a video is served and where the gateway sends it."""
    found: Route | RegisteredRoute
    if zookeeper is not None:
        found = asyncio.run(fetch_registered_route(zookeeper, video))
        lines = readable.registered_route_lines(found)
    else:
        found = asyncio.run(fetch_route(open_cluster(), video))
        lines = readable.route_lines(found)
    say(msgspec.json.encode(found).decode() if as_json else "\n".join(lines))


@click.command()
@click.argument("names", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Follow the logs.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=_LOG_LINES,
    show_default=True,
    help="Lines of each part.",
)
@click.option("--raw", is_flag=True, help="Print lines unchanged.")
@not_of_another_cluster(
    "ZooKeeper has no logs: a process writes its own to standard error, so read them where it runs"
    " (journalctl -u UNIT, kubectl logs POD)"
)
def logs(names: tuple[str, ...], follow: bool, lines: int, raw: bool) -> None:
    """Show the last log lines of all parts, or of NAMES."""
    cluster = open_cluster()
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


COMMANDS = (status, route, logs)


def _show_registered(zookeeper: str, *, as_json: bool) -> None:
    found = asyncio.run(fetch_registered(zookeeper))
    if as_json:
        _say_json(found)
    else:
        screen_for_tables().print(readable.registered_table(zookeeper, found))
    missing = [role for role in ANNOUNCED if role not in {each.role for each in found}]
    if missing:
        fail(f"no {', no '.join(missing)} is registered there")


def _say_json(value: object) -> None:
    say(msgspec.json.format(msgspec.json.encode(value)).decode())
