"""Sockets of our TLS clients: no descriptor is closed twice.

A loop of uvloop that is given a socket closes its descriptor and tells the socket so. It does not
where the peer has reset the connection before the first byte of the handshake was written, as one
does that dies (up to uvloop 0.23; https://github.com/MagicStack/uvloop/issues/738 was the same for
calls that are cancelled). Python then closes that number once more when it drops the socket, and by
then it may be the number of a viewer's connection, of a listener or of the store's file.
"""

from __future__ import annotations

import socket

from aiohttp import AddrInfoType


class ClientSocket(socket.socket):
    """Dropped without `close` it lets its descriptor go: whoever it was given to has closed it."""

    def __del__(self) -> None:
        self.detach()


def new_client_socket(address: AddrInfoType) -> ClientSocket:
    """The `socket_factory` of an aiohttp connector."""
    family, kind, protocol, *_ = address
    return ClientSocket(family, kind, protocol)
