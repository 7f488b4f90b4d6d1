"""The gateway's configuration, made from the template that every runtime shares."""

from __future__ import annotations

import os
import resource
import shutil
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.addresses import in_brackets
from cluster.servers.haproxy_errors import errorfile_lines, write_errors
from cluster.servers.haproxy_servers import (
    SPARE_SLOTS,
    Discovered,
    Server,
    Servers,
    resolver_lines,
    server_lines,
)
from rtms_node.stream_request import ALLOW
from screening.terms import MAX_FILTERS_BYTES
from service.edge import EXPOSED_HEADERS, STREAM_PREFLIGHT, preflight_headers
from wire.origins import ANY

TEMPLATE = Path(__file__).resolve().parents[2] / "compose" / "haproxy.cfg.in"
RESERVED_CONNECTIONS = 500
# The writer's own limits are lower by a half or 16 KiB, and its answer is the better one.
MAX_BODY_BYTES = 32 * 1024
MAX_FILTERS_BODY_BYTES = MAX_FILTERS_BYTES + 16 * 1024
MAX_CONNECTIONS = 100_000
MAX_THREADS = 64  # HAProxy's, without groups of threads
LOCAL_CONTROL = "unix@haproxy.sock mode 600"
_OTHER_DESCRIPTORS = 500
_CURSOR_PARAMETERS = ("last_event_id", "Last-Event-ID", "lastEventID", "lastEventId")
_NO_WRITER = "{ nbsrv(writers) lt 1 }"
_COMMENTS = "^/v1/videos/[A-Za-z0-9_-]{1,64}/comments"
# What a preflight of the API is told while no writer is up, which knows its paths better. The last
# one whose pattern a path matches counts. Whatever is sent then is a 503, or a writer's own answer.
_PREFLIGHTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("api", "", ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")),
    ("comments", f"{_COMMENTS}$", ("GET", "HEAD", "POST")),
    ("comment", f"{_COMMENTS}/[1-9][0-9]{{0,14}}$", ("DELETE", "GET", "HEAD")),
)
_BALANCE = {
    "hash": (
        "balance hash path,field(4,/)",
        "hash-type consistent",
        "hash-balance-factor 125",
    ),
    "round_robin": ("balance roundrobin",),
}


class _Template(string.Template):
    delimiter = "@"


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the configuration is made of. `certificate` holds certificate and key in one file;
    `origins`, as browsers spell them, may read the gateway's own replies too (`*`: any). `single`
    is a process that is node and writer in one; then there are no others.

    `control` is where the runtime socket listens, with which `spare_slots` are filled. With
    `nameservers` (see `resolver_lines`) servers that are named may have no address yet, and get
    another one while HAProxy runs.
    """

    bind: str
    http_port: int
    https_port: int
    certificate: Path
    placement: str
    nodes: Servers
    writers: Servers
    max_connections: int
    origins: Sequence[str] = ()
    single: Sequence[Server] = ()
    control: str = LOCAL_CONTROL
    nameservers: Sequence[str] = ()
    spare_slots: int = SPARE_SLOTS
    threads: int = field(default_factory=lambda: default_threads(len(os.sched_getaffinity(0))))

    @property
    def servers(self) -> dict[str, Server]:
        """What stands behind it, by its names, but for what is discovered."""
        kinds = {"node": self.nodes, "writer": self.writers, "single": self.single}
        return {
            f"{kind}-{server.number}": server
            for kind, servers in kinds.items()
            if not isinstance(servers, Discovered)
            for server in servers
        }


def default_max_connections() -> int:
    """How many connections fit into this process's hard limit of descriptors, two for each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(100, min((hard - _OTHER_DESCRIPTORS) // 2, MAX_CONNECTIONS))


def default_threads(cores: int) -> int:
    """How many threads HAProxy gets: half the cores. The other half is for those who feed it; with
    a thread for each core it only wakes up more often, for less each time (decision 036).
    """
    return min(max(1, cores // 2), MAX_THREADS)


def render(gateway: Gateway) -> str:
    """The text of haproxy.cfg. Raises KeyError for a placement that does not exist."""
    reserved = min(RESERVED_CONNECTIONS, gateway.max_connections // 2)
    return _Template(TEMPLATE.read_text()).substitute(
        bind=in_brackets(gateway.bind),
        http_port=gateway.http_port,
        https_port=gateway.https_port,
        certificate=gateway.certificate,
        maxconn=gateway.max_connections,
        threads=gateway.threads,
        reserved=reserved,
        max_streams=gateway.max_connections - reserved,
        max_body_bytes=MAX_BODY_BYTES,
        max_filters_bytes=MAX_FILTERS_BODY_BYTES,
        cors=_indented(_cors(gateway.origins)),
        control=gateway.control,
        stream_methods=ALLOW,
        cursors=_indented(_cursors()),
        resolvers="".join(f"{line}\n" for line in resolver_lines(gateway.nameservers)),
        errorfiles=_indented(errorfile_lines()),
        stream_balance=_indented(_BALANCE[gateway.placement]),
        node_servers=_indented(_servers("node", gateway.nodes, gateway)),
        writer_servers=_indented(_servers("writer", gateway.writers, gateway)),
    )


def write(gateway: Gateway, folder: Path) -> Path:
    """Write haproxy.cfg and the files that it names into `folder`; the path of the former."""
    write_errors(folder / "errors")
    path = folder / "haproxy.cfg"
    path.write_text(render(gateway))
    return path


def find_haproxy() -> str | None:
    """The haproxy command, or None; Debian keeps it where a person's PATH may not look."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


def command(config: Path) -> list[str]:
    """Runs HAProxy in the foreground; its folder must be the working directory."""
    return [find_haproxy() or "haproxy", "-db", "-f", config.name]


def _servers(prefix: str, servers: Servers, gateway: Gateway) -> list[str]:
    by_name = bool(gateway.nameservers)
    if gateway.single:  # it cannot have a second of its kind: no slots
        return server_lines("single", gateway.single, by_name=by_name, spare_slots=0)
    return server_lines(prefix, servers, by_name=by_name, spare_slots=gateway.spare_slots)


def _cors(origins: Sequence[str]) -> list[str]:
    """For replies that the gateway makes itself: without it a browser would take the `bye` of an
    outage for a refusal, and an EventSource of another origin would give up for ever. Preflights of
    streams are always the gateway's, those of the API while no writer is up.
    """
    if not origins:
        return []
    method = "reg ." if ANY in origins else f"str {' '.join(origins)}"
    welcome = "{ var(txn.origin) -m found }"
    asks = (
        f"METH_OPTIONS {welcome} {{ req.hdr(Access-Control-Request-Method) -m found }} {_NO_WRITER}"
    )

    def asked(kind: str) -> str:
        return f"{{ var(txn.preflight) -m str {kind} }}"

    def header(name: str, value: str, condition: str) -> str:
        return f'http-after-response set-header {name} "{value}" if {condition}'

    return [
        f"http-request set-var(txn.origin) req.hdr(Origin) if {{ req.hdr(Origin) -m {method} }}",
        f"http-request set-var(txn.preflight) str(stream) if is_stream METH_OPTIONS {welcome}",
        *(
            f"http-request set-var(txn.preflight) str({kind}) if is_api !is_stream"
            f"{f' {{ path_reg {pattern} }}' if pattern else ''} {asks}"
            for kind, pattern, _ in _PREFLIGHTS
        ),
        header("Access-Control-Allow-Origin", "%[var(txn.origin)]", welcome),
        header("Access-Control-Expose-Headers", EXPOSED_HEADERS, welcome),
        "http-after-response set-header Vary Origin if !{ res.hdr(Vary) -m found }",
        *(header(name, value, asked("stream")) for name, value in STREAM_PREFLIGHT.items()),
        *(
            header(name, value, asked(kind))
            for kind, _, methods in _PREFLIGHTS
            for name, value in preflight_headers(methods).items()
        ),
        f"http-request return status 204 if {' || '.join(asked(kind) for kind, *_ in _PREFLIGHTS)}",
    ]


def _cursors() -> list[str]:
    """Where a viewer's cursor is, the most telling place last; a node reads any spelling."""
    sources = [f"url_param({name})" for name in _CURSOR_PARAMETERS] + ["req.hdr(Last-Event-ID)"]
    return [
        f'http-request set-var-fmt(txn.id_line) "id: %[{source}]"'
        f" if is_stream {{ {source} -m reg ^[a-z0-9]{{12}}-[0-9]{{1,15}}$ }}"
        for source in sources
    ]


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
