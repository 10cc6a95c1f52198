"""Telling systemd how the service is: the datagrams of sd_notify(3), without a library.

A service of ``Type=notify`` counts as started at READY=1. With ``WatchdogSec`` it must say WATCHDOG=1 again
and again from then on, or systemd ends it as hung (sd_watchdog_enabled(3)).
"""

import os
import socket
from collections.abc import MutableMapping

SEND_LIMIT_S = 1.0
"""The socket is the service manager's; one that does not empty it must not hold the supervisor for longer."""


class NotifySocket:
    """Where the service manager listens; without one every call does nothing.

    ``every_s`` is how often it wants to hear WATCHDOG=1: half its limit, as sd_watchdog_enabled(3) advises;
    None when it wants nothing.
    """

    def __init__(self, address: str = "", limit_s: float | None = None) -> None:
        # a leading @ stands for the zero byte of an abstract address (unix(7))
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._due = 0.0
        self.every_s = limit_s / 2 if limit_s is not None else None

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> "NotifySocket":
        """Return what this process was given, and take it out of ``environ``: its children are not asked."""
        address = environ.pop("NOTIFY_SOCKET", "")
        usec, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        meant = pid in ("", str(os.getpid())) and usec.isascii() and usec.isdigit() and int(usec) > 0
        return cls(address if address[:1] in ("/", "@") else "", int(usec) / 1e6 if meant else None)

    def ready(self) -> None:
        """Tell that the service has started."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Tell that the service is about to end."""
        self._tell("STOPPING=1")

    def alive(self, now: float) -> None:
        """Tell that this process runs, when it is time to (``now`` in seconds of a monotonic clock)."""
        if self.every_s is not None and now >= self._due:
            self._due = now + self.every_s
            self._tell("WATCHDOG=1")

    def pause(self, now: float, until: float) -> float:
        """Return the seconds to sleep at most when something else is due at ``until``."""
        return max(0.0, (until if self.every_s is None else min(until, self._due)) - now)

    def _tell(self, line: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(SEND_LIMIT_S)
            try:
                out.sendto(line.encode(), self._address)
            except OSError:
                # Nobody is there to be told; the service itself goes on.
                return
