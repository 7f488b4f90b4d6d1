"""Commands that show something and change nothing: status, route, logs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress

import click
import msgspec

from cluster import readable
from cluster.cli.opening import open_cluster, open_or_rescue
from cluster.route import fetch_route
from cluster.status import fetch_rows, lost_rows
from cluster.terminal import end_when_nobody_reads, fail, say, screen_for_tables

_LOG_LINES = 20


class _TakesVideo(click.Command):
    """A video id may begin with a dash. All options are flags here, so whatever is none of them is
    the video.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the options first and a `--` behind them, unless a person did."""
        if "--" not in args:
            options = {name for param in self.get_params(ctx) for name in param.opts}
            flags = [arg for arg in args if arg.startswith("-") and arg in options]
            args = [*flags, "--", *(arg for arg in args if arg not in flags)]
        return super().parse_args(ctx, args)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show every part: ready or why not, and its figures.

    The exit status is 0 if all parts are ready, else 1.
    """
    cluster, lost = open_or_rescue()
    rows = lost_rows(cluster) if lost else asyncio.run(fetch_rows(cluster))
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        screen_for_tables().print(readable.status_table(cluster.settings.name, rows))
    if lost:
        fail(lost)
    sys.exit(0 if all(row.ready for row in rows) else 1)


@click.command(cls=_TakesVideo)
@click.argument("video")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def route(video: str, as_json: bool) -> None:
    """Show where a video is served and where the gateway sends it."""
    found = asyncio.run(fetch_route(open_cluster(), video))
    text = msgspec.json.encode(found).decode() if as_json else None
    say(text or "\n".join(readable.route_lines(found)))


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
