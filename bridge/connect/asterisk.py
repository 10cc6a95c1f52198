"""The Asterisk connector: offers over FastAGI, their sound over AudioSocket."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.call.model import Desk
from bridge.config import Network
from bridge.connect.agi import AgiServer
from bridge.connect.audiosocket import AudioSocketServer
from bridge.connect.journal import Journal
from bridge.connect.offers import Offers
from bridge.errors import SettingError

log = logging.getLogger("aftertone.asterisk")


class _Address(Protocol):
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


class AsteriskSettings(Protocol):
    """What the connector needs of the settings."""

    @property
    def agi(self) -> _Address: ...
    @property
    def audiosocket(self) -> _Address: ...
    @property
    def peers(self) -> Sequence[Network]: ...


class AsteriskConnector:
    """A Connector. ``journal`` takes the calls that the PBX kept while we were away. ``listening`` is True
    while both ports do; ``agi_port`` and ``audiosocket_port`` then tell which they are (port 0 in the
    settings asks the system for a free one)."""

    def __init__(
        self,
        settings: AsteriskSettings,
        *,
        journal: Journal | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._offers = Offers(clock)
        self.listening = False
        self.agi_port = 0
        self.audiosocket_port = 0

    async def serve(self, desk: Desk) -> None:
        """Take calls until cancelled, then end what runs. Raises SettingError when a port cannot be had."""
        at, peers = self._settings.audiosocket, self._settings.peers
        audio = AudioSocketServer(at.host, at.port, peers, self._offers, desk.answer)
        self.audiosocket_port = audio.port
        agi = AgiServer(peers, self._offers, desk, (at.host, audio.port), self._journal)
        try:
            self.agi_port = await agi.start(self._settings.agi.host, self._settings.agi.port)
        except SettingError:
            await audio.close()
            raise
        try:
            log.info("taking calls: AGI port %d, AudioSocket port %d", self.agi_port, audio.port)
            self.listening = True
            await asyncio.Event().wait()
        finally:
            self.listening = False
            await audio.close()
            # The PBX asks what became of a note when its sound has ended. Without an answer the caller, whose
            # note is kept, would be sent on to the fallback and asked to speak once more.
            await self._offers.all_told()
            await agi.close()
