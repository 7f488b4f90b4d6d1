"""Origins of the web (RFC 6454) that may read our replies, as browsers spell them."""

from __future__ import annotations

import ipaddress
import re

import idna

ANY = "*"
_ORIGIN = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\\%]+)"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)
_ASCII_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def parse_origin(text: str) -> str:
    """`text` as a browser sends it in `Origin`: scheme and host in lower case, a host outside ASCII
    in its ASCII form, no default port, no slash at the end; `*` for any origin.

    Raises ValueError for what no browser ever sends, which would match nothing.
    """
    if text == ANY:
        return ANY
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is no origin (such as https://example.org:8443)")
    scheme = match["scheme"].lower()
    host = _host(match["host"], text)
    port = int(match["port"] or 0)
    if port > 65_535:
        raise ValueError(f"{text}: {port} is no port")
    if not port or port == _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{port}"


def _host(host: str, text: str) -> str:
    try:
        if host.startswith("["):
            return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        if host.rpartition(".")[2].isdigit():  # a browser writes any spelling of it as four numbers
            return str(ipaddress.IPv4Address(host))
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
        if _ASCII_HOST.fullmatch(ascii_host) is None:
            raise ValueError(host)
        return ascii_host.lower()
    except (ValueError, idna.IDNAError) as exc:
        raise ValueError(f"{text}: {host} is no host that a browser would send") from exc
