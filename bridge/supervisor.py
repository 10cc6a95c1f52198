"""The small parent of ``aftertone serve``: one worker, its heartbeat, and a new one when it hangs or dies.

Asterisk waits without end for a FastAGI server that accepts and stays silent, and a frozen AudioSocket
holds a talking caller. So a worker without heartbeat for ``HEARTBEAT_LIMIT_S`` is killed: its sockets close,
and Asterisk goes on to the fallback. This process imports nothing heavy, so that it starts at once and has
little to hang in.
"""

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from bridge import orphans
from bridge.notify_socket import NotifySocket

HEARTBEAT_FD = "AFTERTONE_HEARTBEAT_FD"
BEAT, READY_BEAT = b".", b"!"
"""One byte a beat; the second once the worker takes calls and shows the inbox."""

HEARTBEAT_EVERY_S = 0.5
HEARTBEAT_LIMIT_S = 3.0
"""Six beats missed. A caller is then held at most about 3.5 s, inside the promised 5 s."""

START_LIMIT_S = 60.0
"""Until the first beat: migrations and the repair of cut-off notes come before it."""

STOP_LIMIT_S = 15.0
"""Sessions get 10 s to finish their notes; what is not done 5 s later is stuck."""

EXIT_SETTINGS = 78
"""EX_CONFIG of sysexits.h: a new worker would fail in the same way."""

BACK_OFF_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
CALM_S = 60.0
"""A worker that lived this long was healthy: the next failure starts at the first back-off again."""


@dataclass(slots=True)
class Watch:
    """What the supervisor knows of its worker; all times in seconds of one monotonic clock."""

    started: float
    beat: float | None = None

    def deadline(self) -> float:
        """Return when the worker counts as hung if nothing more is heard."""
        return self.started + START_LIMIT_S if self.beat is None else self.beat + HEARTBEAT_LIMIT_S

    def hung(self, now: float) -> bool:
        """Say whether the worker must be killed."""
        return now >= self.deadline()


def back_off(failures: int) -> float:
    """Return the seconds to wait before start number ``failures`` + 1."""
    return BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]


def final(code: int, *, ever_ready: bool) -> bool:
    """Say whether a worker's exit ends the service: an orderly stop, or settings that cannot work."""
    return code == 0 or (code == EXIT_SETTINGS and not ever_ready)


class Supervisor:
    """Runs one worker at a time until told to stop."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._stops = 0
        self._worker: subprocess.Popen[bytes] | None = None
        self._notify = NotifySocket.take(os.environ)
        self._ready_told = False
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_w, False)

    def run(self) -> int:
        """Return the exit code of the service."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        if os.getpid() == orphans.FIRST:
            signal.signal(signal.SIGCHLD, lambda number, frame: None)  # to be woken by it
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        failures, ever_ready = 0, False
        while True:
            begun = time.monotonic()
            code, ready = self._one_worker()
            ever_ready = ever_ready or ready
            if self.stopping() or final(code, ever_ready=ever_ready):
                return code if code >= 0 else 128 - code
            failures = 0 if time.monotonic() - begun > CALM_S else failures + 1
            pause = back_off(failures - 1 if failures else 0)
            _say(f"worker ended with {code}; starting a new one in {pause:g} s")
            self._rest(pause)
            if self.stopping():
                return 0

    def stopping(self) -> bool:
        """Say whether a signal asked for the end."""
        return self._stops > 0

    def _rest(self, seconds: float) -> None:
        """Sleep, until told to stop at most."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end and not self.stopping():
            self._notify.alive(now)
            if select.select([self._wake_r], [], [], self._notify.pause(now, end))[0]:
                self._awake(None)

    def _awake(self, worker: int | None) -> None:
        """Take what a signal left in the pipe."""
        os.read(self._wake_r, 512)
        if os.getpid() == orphans.FIRST:
            orphans.reap(worker)

    def _one_worker(self) -> tuple[int, bool]:
        beat_r, beat_w = os.pipe()
        # A session of its own: Ctrl-C reaches us, and we pass it on once and in order.
        worker = subprocess.Popen(
            self._command,
            env={**os.environ, HEARTBEAT_FD: str(beat_w)},
            pass_fds=(beat_w,),
            start_new_session=True,
        )
        self._worker = worker
        os.close(beat_w)
        try:
            ready = self._attend(worker, beat_r)
            return worker.wait(), ready
        finally:
            self._worker = None
            os.close(beat_r)

    def _attend(self, worker: subprocess.Popen[bytes], beat_r: int) -> bool:
        watch = Watch(time.monotonic())
        stopping_at: float | None = None
        while True:
            now = time.monotonic()
            self._notify.alive(now)
            if self._stops and stopping_at is None:
                stopping_at = now + STOP_LIMIT_S
                self._notify.stopping()
                # Here and not in the handler: a signal may come before there is a worker to pass it on to.
                worker.terminate()
            if watch.hung(now) or (stopping_at is not None and now >= stopping_at):
                _say("worker does not answer: killed")
                worker.kill()
                return watch.beat is not None
            until = watch.deadline() if stopping_at is None else min(watch.deadline(), stopping_at)
            readable, _, _ = select.select([beat_r, self._wake_r], [], [], self._notify.pause(now, until))
            if self._wake_r in readable:
                self._awake(worker.pid)
            if beat_r in readable:
                beats = os.read(beat_r, 512)
                if not beats:
                    return watch.beat is not None
                watch.beat = time.monotonic()
                self._tell_ready(beats)

    def _tell_ready(self, beats: bytes) -> None:
        if READY_BEAT in beats and not self._ready_told:
            self._ready_told = True
            self._notify.ready()

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
        if self._stops > 1 and self._worker is not None:
            self._worker.kill()


def _say(text: str) -> None:
    print(f"aftertone.supervisor: {text}", file=sys.stderr, flush=True)
