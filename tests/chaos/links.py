"""A proxy on every hop between the processes of one cluster, in a thread with a loop of its own.

A hop is "caller>target": "node-1>writer-2", "writer-1>dispatcher-1", "dispatcher-2>node-3", and
"node-1>zookeeper-1" for every process. They are placed by the environment of the processes
(PEER_DETOURS, ZOOKEEPER), so before these are started; "haproxy>node-1" only while a test needs it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from fnmatch import fnmatch
from typing import Any

import uvloop

from cluster.cluster import Cluster
from cluster.parts import Kind, Part
from cluster.servers import haproxy_socket
from cluster.servers.haproxy_servers import Server
from tests.tcp_proxy import TcpProxy

_CALLS = {
    Kind.WRITER: (Kind.DISPATCHER,),
    Kind.DISPATCHER: (Kind.NODE,),
    Kind.NODE: (Kind.WRITER,),
}


class Links:
    """`with Links(cluster) as links:` before `cluster.up()`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self.proxies: dict[str, TcpProxy] = {}

    def __enter__(self) -> Links:
        self._thread.start()
        for caller in self._cluster.parts:
            if caller.kind in _CALLS:
                self._place(caller)
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self.proxies.values():
            self._run(proxy.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def find(self, *patterns: str) -> list[str]:
        """The hops that match any of the patterns ("node-1>*")."""
        found = [hop for hop in self.proxies if any(fnmatch(hop, one) for one in patterns)]
        assert found, patterns
        return found

    def connected(self, *patterns: str) -> list[str]:
        """Those of these hops that carry a connection now."""
        return [hop for hop in self.find(*patterns) if self.proxies[hop].connections]

    def lost_replies(self, *patterns: str) -> int:
        """How many replies were swallowed on these hops so far."""
        return sum(self.proxies[hop].lost_replies for hop in self.find(*patterns))

    @asynccontextmanager
    async def behind_gateway(self, name: str) -> AsyncIterator[str]:
        """Inside, the gateway reaches this node or writer by the hop that is yielded, and checks
        its health by the one with "/ops" at its end. Connections that it has already stay as they
        are. A start of that part would undo it: the gateway is told then where the part really is.
        """
        part, gateway = self._cluster.part(name), self._cluster.part(Kind.HAPROXY)
        hop, checks = f"{gateway.name}>{name}", f"{gateway.name}>{name}/ops"
        self._open(gateway, part, "public")
        self._open(gateway, part, "ops", suffix="/ops")
        try:
            await self._tell_gateway(part, self.proxies[hop].port, self.proxies[checks].port)
            yield hop
        finally:
            await self._tell_gateway(part, part.ports["public"], part.ports["ops"])
            for one in (hop, checks):
                self._run(self.proxies.pop(one).__aexit__())

    async def _tell_gateway(self, part: Part, port: int, check_port: int) -> None:
        server = Server(part.number, part.host, port, check_port)
        await haproxy_socket.fill_slots(self._cluster.runtime.control(), {part.name: server})

    async def act(self, hops: Iterable[str], act: Callable[[TcpProxy], object]) -> None:
        """Do something to the proxies of these hops, on their own loop."""

        async def do() -> None:
            for hop in hops:
                act(self.proxies[hop])

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(do(), self._loop))

    async def heal(self) -> None:
        """Every hop passes everything again."""
        await self.act(self.proxies, TcpProxy.heal)

    def _place(self, caller: Part) -> None:
        targets = [part for part in self._cluster.parts if part.kind in _CALLS[caller.kind]]
        detours = [
            f"{target.kind}/{target.name}={self._open(caller, target, 'internal')}"
            for target in targets
        ]
        servers = [part for part in self._cluster.parts if part.kind is Kind.ZOOKEEPER]
        addresses = [self._open(caller, server, "client") for server in servers]
        variables = {"PEER_DETOURS": ",".join(detours)}
        if addresses:
            variables["ZOOKEEPER"] = ",".join(addresses)
        self._cluster.set_environment(caller.name, **variables)

    def _open(self, caller: Part, target: Part, use: str, *, suffix: str = "") -> str:
        proxy = TcpProxy(target.ports[use])
        self._run(proxy.__aenter__())
        self.proxies[f"{caller.name}>{target.name}{suffix}"] = proxy
        return proxy.address

    def _run(self, coro: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(coro, self._loop).result(30)
