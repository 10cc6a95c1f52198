"""Who may connect to the two ports that face the PBX, and how many may stand in the door.

Trust ends at who can reach these ports, so there is an allow-list; and whoever reaches them may be broken, so
a connection that does not say in time what it wants is closed. When too many stand there the oldest goes: a
flood of silent connections pushes itself out, while a PBX says what it wants within milliseconds.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bridge.config import Network
from bridge.errors import SettingError

FIRST_WORD_S = 3.0
"""Seconds in which a new connection must have told who it is."""

STANDING = 256
"""Connections that have not told yet; one file each, well below the usual limit of 1,024 files."""

BACKLOG = 1024

Visitor = TypeVar("Visitor")


def listen(name: str, host: str, port: int) -> socket.socket:
    """Return a listening, non-blocking TCP socket. ``name`` is the setting's.

    Raises SettingError when the address cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingError(
            f"{name} {host}:{port} cannot be listened on ({error.strerror or error}): "
            "stop the program that has it, or set another address"
        ) from error
    sock.setblocking(False)
    return sock


def is_peer(address: str, peers: Sequence[Network]) -> bool:
    """Say whether an address, as the socket tells it, is in the allow-list."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in peers)


class Door(Generic[Visitor]):
    """Those who have connected and not yet told what they want, oldest first."""

    def __init__(self, send_away: Callable[[Visitor], None], most: int = STANDING) -> None:
        self._send_away = send_away
        self._most = most
        self._standing: dict[Visitor, None] = {}

    def enter(self, visitor: Visitor) -> None:
        """Let one in; the oldest is sent away when there are too many."""
        if len(self._standing) >= self._most:
            oldest = next(iter(self._standing))
            del self._standing[oldest]
            self._send_away(oldest)
        self._standing[visitor] = None

    def leave(self, visitor: Visitor) -> None:
        """One told what it wants, or is gone."""
        self._standing.pop(visitor, None)

    def close(self) -> None:
        """Send everybody away."""
        while self._standing:
            visitor, _ = self._standing.popitem()
            self._send_away(visitor)
