"""nchan, a peer: publish and subscribe for nginx in C, with Server-Sent Events, as Debian packages
it. One worker on one core; comments are published over one kept-alive connection.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from bench.child import BenchFailed
from bench.processes import cpu_s_of, rss_of
from cluster.ports import free_ports
from rtms_node.stream_listener import BACKLOG, SEND_BUFFER_BYTES

PACKAGES = ("nginx", "libnginx-mod-nchan")
_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_WITHIN_S = 10.0
_CONFIG = """\
load_module {module};
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log {folder}/error.log error;
pid {folder}/nginx.pid;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog={backlog} sndbuf={sndbuf};
        location = /publish {{
            nchan_publisher;
            nchan_channel_id $arg_id;
            nchan_message_buffer_length 1000;
            nchan_message_timeout 60s;
        }}
        location ~ ^/v1/videos/([A-Za-z0-9_-]+)/stream$ {{
            nchan_subscriber eventsource;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


def find_nginx() -> str | None:
    """The nginx command if nchan is there too, else None."""
    return shutil.which("nginx", path=os.defpath + ":/usr/sbin") if _MODULE.exists() else None


class Nchan:
    """A server of its own in a temporary folder; to be used as a context manager."""

    def __init__(self, core: int) -> None:
        self._core = core
        self._folder = TemporaryDirectory(prefix="livecomments-nchan-")
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._worker = 0
        self.port = 0

    def __enter__(self) -> Self:
        """Raises BenchFailed if it does not start."""
        nginx, folder = find_nginx(), Path(self._folder.name)
        if nginx is None:
            raise BenchFailed("nchan is not installed")
        (self.port,) = free_ports(1)
        config = folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                module=_MODULE,
                folder=folder,
                port=self.port,
                backlog=BACKLOG,
                sndbuf=SEND_BUFFER_BYTES,
            )
        )
        command = ["taskset", "-c", str(self._core), nginx, "-p", str(folder), "-c", str(config)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._connection = self._connected()
        self._worker = self._find_worker()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()

    def publish(self, video_id: str, text: bytes) -> None:
        """Send one message to all viewers of a video. Raises BenchFailed if it is refused."""
        assert self._connection is not None
        self._connection.request("POST", f"/publish?id={video_id}", text)
        reply = self._connection.getresponse()
        reply.read()
        if reply.status not in (201, 202):
            raise BenchFailed(f"nchan refused a message: {reply.status}")

    def cpu_s(self) -> float:
        """CPU seconds of the worker so far."""
        return cpu_s_of(self._worker)

    def rss(self) -> int:
        """Resident bytes of the worker."""
        return rss_of(self._worker)

    def _connected(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_WITHIN_S)
        deadline = time.monotonic() + _WITHIN_S
        while True:
            try:
                connection.connect()
                return connection
            except OSError:
                if time.monotonic() > deadline:
                    raise BenchFailed("nginx with nchan does not start") from None
                time.sleep(0.02)

    def _find_worker(self) -> int:
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        deadline = time.monotonic() + _WITHIN_S
        while not (pids := children.read_text().split()):
            if time.monotonic() > deadline:
                raise BenchFailed("nginx has no worker")
            time.sleep(0.02)
        return int(pids[0])
