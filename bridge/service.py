"""The worker of ``aftertone serve``: builds every part, owns their tasks, starts and stops them in order.

The only file that knows all parts. Stop order: refuse new calls -> close event streams -> sessions finish
their notes (at most 10 s) -> lamps set -> web and PBX sockets closed -> store closed. A second signal skips
the wait (the supervisor then kills us; what is on disk is finished at the next start).
"""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from bridge.config import Address, Settings
from bridge.connect import AsteriskConnector
from bridge.connect.door import listen
from bridge.control import ami
from bridge.errors import SettingError, StoreError, Unready
from bridge.events import Events, News
from bridge.intake.limits import limits_of
from bridge.intake.takeover import Takeover
from bridge.journal import Journal
from bridge.lamps import Lamps
from bridge.session import Sessions
from bridge.store import Store, open_store
from bridge.supervisor import BEAT, HEARTBEAT_EVERY_S, READY_BEAT
from bridge.webdoor import GuardedConfig, GuardedServer, tls_context

log = logging.getLogger("aftertone.service")

GRACE_S = 10.0
"""Seconds that sessions get to finish their notes on an orderly stop."""

LAMPS_S = 1.0
"""Seconds for the lamps of these last notes. What a PBX that hangs does not take is told after the start."""

HANDOVER_S = GRACE_S + 2
"""Seconds to wait for a worker whose supervisor was killed: it stops in order, then frees the folder."""

STATUS_EVERY_S = 2.0
"""Seconds between two looks at the disk; 250 G.711 callers write 4 MB in that time."""


class WebApp(Protocol):
    """Makes the web server's application (``web.app.create_app``; the web layer is handed in by the CLI)."""

    def __call__(
        self,
        store: Store,
        events: Events,
        settings: Settings,
        *,
        recording: Callable[[], bool],
        ready: Callable[[], bool],
        pbx: Callable[[], ami.State],
    ) -> Any: ...


class Service:
    """One worker's parts and their life. Raises SettingError when the data folder cannot be used."""

    def __init__(self, settings: Settings, web_app: WebApp, heartbeat_fd: int | None = None) -> None:
        self._settings = settings
        self._heartbeat_fd = heartbeat_fd
        self._stop = asyncio.Event()
        self._ready = False
        self._events = Events()
        try:
            self._store = open_store(settings.data, events=self._events.publish)
        except (StoreError, Unready) as error:
            raise SettingError(f"AFTERTONE_DATA cannot be used: {error}") from None
        self._limits = limits_of(settings)
        self._sessions = Sessions(self._store, settings, thresholds=self._limits.thresholds)
        self._manager = ami.manager(settings, time.time)
        self._journal = Journal(self._store, self._sessions, self._manager)
        self._connector = AsteriskConnector(settings, journal=self._journal)
        self._lamps = Lamps(self._store, self._events, self._manager) if self._manager is not None else None
        self._app = web_app(
            self._store,
            self._events,
            settings,
            recording=self._recording,
            ready=lambda: self._ready,
            pbx=self._pbx,
        )

    def _recording(self) -> bool:
        return self._sessions.able()[0]

    def _pbx(self) -> ami.State:
        return self._manager.status.state if self._manager is not None else "off"

    async def run(self) -> None:
        """Serve until SIGTERM, SIGINT or the end of the supervisor.

        Raises SettingError when a port or the data folder cannot be had.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            server = self._web_server()
            if await self._own_folder():
                await self._serve(server)
        finally:
            self._store.close()
        log.info("stopped")

    async def _own_folder(self) -> bool:
        """Have the data folder to ourselves and repaired; False when told to stop before."""
        loop = asyncio.get_running_loop()
        until, told = loop.time() + HANDOVER_S, False
        while not self._stop.is_set():
            try:
                repaired = self._store.recover()
            except Unready as error:
                if loop.time() >= until:
                    raise SettingError(f"AFTERTONE_DATA cannot be used: {error}") from None
                if not told:
                    log.warning("%s, or wait: trying for %g s", error, HANDOVER_S)
                told = True
            else:
                if repaired:
                    log.warning(
                        "after a crash: %d notes were cut off and are kept, %d held no sound, %d have no row",
                        repaired.kept,
                        repaired.discarded,
                        repaired.strays,
                    )
                return True
            # Not wait_for, which may forget that it was cancelled (up to Python 3.11).
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await self._stop.wait()
        return False

    async def _serve(self, server: GuardedServer) -> None:
        listener = listen("AFTERTONE_HTTP", self._settings.http.host, self._settings.http.port)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._beat()),
                    group.create_task(self._flush()),
                    group.create_task(self._watch_status()),
                    group.create_task(self._command_pbx()),
                    group.create_task(self._light()),
                    group.create_task(self._take_over()),
                    group.create_task(self._read_journal()),
                ]
                calls = group.create_task(self._take_calls())
                web = group.create_task(server.serve(sockets=[listener]))
                group.create_task(self._announce(server))
                await self._stop.wait()
                await self._wind_down(server, calls, web)
                for task in tasks:
                    task.cancel()
        except* SettingError as group_error:
            raise group_error.exceptions[0] from None
        finally:
            listener.close()

    async def _wind_down(
        self, server: GuardedServer, calls: asyncio.Task[None], web: asyncio.Task[None]
    ) -> None:
        self._ready = False
        log.info("stopping: %d calls finish their notes", self._sessions.active)
        self._events.end()
        await self._sessions.stop(GRACE_S)
        if self._lamps is not None:
            await self._lamps.drain(LAMPS_S)
        calls.cancel()
        server.should_exit = True
        await web

    async def _take_over(self) -> None:
        spool = self._settings.spool
        if spool is not None:
            await Takeover(self._store, spool, self._limits, self._events.publish).run()

    async def _read_journal(self) -> None:
        # The PBX is asked to come to our port with it.
        while not self._connector.listening:  # noqa: ASYNC110 - once, for milliseconds
            await asyncio.sleep(0.02)
        await self._journal.run()

    async def _take_calls(self) -> None:
        await self._connector.serve(self._sessions)

    async def _command_pbx(self) -> None:
        if self._manager is not None:
            await self._manager.run()

    async def _light(self) -> None:
        if self._lamps is not None:
            await self._lamps.run()

    async def _announce(self, server: GuardedServer) -> None:
        while not (server.started and self._connector.listening):
            if self._stop.is_set():
                return
            await asyncio.sleep(0.02)
        # What start-up made stays: to look through it at every full collection held all callers for 0.3 s.
        gc.collect()
        gc.freeze()
        self._ready = True
        log.info(
            "ready: inbox %s, AGI %s, AudioSocket %s",
            self._settings.public_url,
            Address(self._settings.agi.host, self._connector.agi_port),
            Address(self._settings.audiosocket.host, self._connector.audiosocket_port),
        )

    def _web_server(self) -> GuardedServer:
        settings = self._settings
        config = GuardedConfig(
            self._app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
            lifespan="off",
        )
        if settings.tls_cert is not None and settings.tls_key is not None:
            config.load()
            config.ssl = tls_context(settings.tls_cert, settings.tls_key)
        return GuardedServer(config)

    async def _beat(self) -> None:
        if self._heartbeat_fd is None:
            return
        os.set_blocking(self._heartbeat_fd, False)
        while True:
            try:
                os.write(self._heartbeat_fd, READY_BEAT if self._ready else BEAT)
            except BlockingIOError:
                log.debug("the supervisor is busy")
            except BrokenPipeError:
                log.error("the supervisor is gone: stopping")
                self._stop.set()
                return
            await asyncio.sleep(HEARTBEAT_EVERY_S)

    async def _flush(self) -> None:
        await self._store.flusher.run()

    async def _watch_status(self) -> None:
        last, told = True, (True, self._pbx())
        while not self._stop.is_set():
            recording, why = self._sessions.able()
            if recording != last:
                last = recording
                if recording:
                    log.warning("recording again")
                else:
                    log.error("NOT RECORDING: %s. Missed calls are still filed", why)
            if (recording, self._pbx()) != told:
                told = (recording, self._pbx())
                self._events.publish(News("status"))
            await asyncio.sleep(STATUS_EVERY_S)
