"""Text for people: log lines, the table of `status`, the closing words of `up`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from cluster.cluster import Cluster
from cluster.parts import ROLES
from cluster.registered import Registered, RegisteredRoute
from cluster.route import Route
from cluster.status import Row
from wire.topology import Topology

_HEAD = ("timestamp", "level", "event")
_LEFT_OUT = (*_HEAD, "role", "id", "exception")
_HEADINGS = ("part", "pid", "address", "viewers", "videos", "bus", "health", "waiting")
_NUMBERS = ("pid", "viewers", "videos")


def readable_line(line: str) -> str:
    """A line of a log; one of JSON becomes `time level event key=value ...`, with its traceback."""
    try:
        event = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return line
    if not isinstance(event, dict):
        return line
    head = [str(event[name]) for name in _HEAD if name in event]
    rest = [f"{name}={value}" for name, value in event.items() if name not in _LEFT_OUT]
    text = " ".join([*head, *rest])
    return f"{text}\n{event['exception']}" if "exception" in event else text


def status_table(title: str, rows: Sequence[Row]) -> Table:
    """The table of `livecomments status`."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        justify: JustifyMethod = "right" if heading in _NUMBERS else "left"
        # Only the last two may need a second line in a narrow window.
        table.add_column(heading, justify=justify, no_wrap=heading not in _HEADINGS[-2:])
    for row in rows:
        table.add_row(
            row.name,
            _figure(row.pid),
            row.address,
            _figure(row.viewers),
            _figure(row.videos),
            _bus(row),
            Text(row.health, _colour(row)),
            ", ".join(f"{name} {depth}" for name, depth in row.queues.items() if depth),
        )
    return table


def route_lines(route: Route) -> list[str]:
    """What `livecomments route` prints."""
    return [
        f"video           {route.video_id}",
        *_way(route),
        f"gateway, posts  {route.writer or 'no writer'}",
        f"gateway, stream {route.node or 'no node'}",
    ]


def _way(route: Route) -> list[str]:
    if route.channel is not None:
        return [f"channel         {route.channel}, received by {route.heard_by} node(s)"]
    if route.topology == Topology.SINGLE:
        return ["served by       the single process"]
    return [
        f"served by       {', '.join(route.serving) or 'no node (no viewers)'}",
        f"dispatcher      {route.dispatcher or 'none'}",
    ]


def registered_table(zookeeper: str, found: Sequence[Registered]) -> Table:
    """The table of `livecomments status --zookeeper`."""
    title = f"registered in {zookeeper} (whether they are ready, only their /readyz tells)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("process", "role", "internal address", "since"):
        table.add_column(heading, no_wrap=True)
    for each in found:
        table.add_row(each.name, each.role, each.address, each.since)
    return table


def registered_route_lines(route: RegisteredRoute) -> list[str]:
    """What `livecomments route --zookeeper` prints."""
    nodes = [
        f"{name} ({address or 'no member'})" for name, address in sorted(route.serving.items())
    ]
    dispatcher = f"{route.dispatcher} ({route.dispatcher_address or 'no member'})"
    return [
        f"video           {route.video_id}",
        f"served by       {', '.join(nodes) or 'no node (no viewers)'}",
        f"dispatcher      {dispatcher if route.dispatcher else 'none'}",
        "gateway         not asked: ZooKeeper does not know it",
    ]


def closing_words(cluster: Cluster) -> list[str]:
    """Addresses, and the lines to try."""
    url = cluster.http_url
    return [
        "",
        f"The cluster {cluster.settings.name} is ready (topology {cluster.settings.topology}).",
        f"  HTTP   {url}",
        f"  HTTPS  {cluster.https_url}   (curl --cacert {shlex.quote(str(cluster.ca_file))})",
        f"  map    {_map_url(cluster)}",
        f"  data   {cluster.folder.path}",
        "",
        *lines_to_try(url),
        *pages_to_open(url),
        "",
        "Then: make cluster-status, make cluster-logs, make cluster-down",
    ]


def _map_url(cluster: Cluster) -> str:
    """Every one of our processes has the map; this is the first one's."""
    ours = next(part for part in cluster.parts if part.kind in ROLES)
    return f"{cluster.url(ours.name)}/map"


def lines_to_try(url: str) -> list[str]:
    """How to see it work, with curl."""
    return [
        "Watch a video:",
        f"  curl -N {url}/v1/videos/v1/stream",
        "and write a comment in another terminal:",
        f"  curl -XPOST {url}/v1/videos/v1/comments"
        ' -H \'content-type: application/json\' -d \'{"author":"ann","text":"hi"}\'',
    ]


def pages_to_open(url: str, *, for_dev: bool = False) -> list[str]:
    """Where a browser does the same, and how to get the token that the second page asks for."""
    of = "--dev " if for_dev else ""
    return [
        "or do both in a browser:",
        f"  {url}/embed/v1",
        "and moderate, with the token that this prints:",
        f"  .venv/bin/livecomments token {of}--sub mo --name Mo --role 'moderator:*'",
        f"  {url}/moderate/v1",
    ]


def _bus(row: Row) -> str:
    """The state of its connection to ZooKeeper or Redis."""
    states = {"zookeeper": row.zookeeper, "redis": row.redis}
    shown = [f"{bus} {state}" for bus, state in states.items() if state not in (None, "none")]
    return ", ".join(shown)


def _colour(row: Row) -> str:
    if not row.ready:
        return "red"
    return "yellow" if row.health.startswith("degraded") else "green"


def _figure(value: int | None) -> str:
    return "" if value is None else str(value)
