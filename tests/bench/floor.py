"""The process of the bridge that does nothing (``tests.bench.null``), and what it says."""

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import Unready

READY_S = 20.0
POLL_S = 0.05


class NullBridge:
    """Up inside a ``with``; ``folder`` holds what it says of its calls."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "null.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._told = 0

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.null"], stdin=subprocess.DEVNULL, stdout=log
            )
        end = time.monotonic() + READY_S
        while not self._numbers():
            if self._process.poll() is not None or time.monotonic() > end:
                self._stop()
                raise Unready("the bridge that does nothing did not start")
            time.sleep(POLL_S)
        self._told = 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """Its process; raises Unready when it does not run."""
        if self._process is None:
            raise Unready("the bridge that does nothing is not running")
        return self._process.pid

    @property
    def agi(self) -> str:
        """Where it answers FastAGI, as ``host:port``."""
        return f"127.0.0.1:{self._numbers()[0]}"

    def packets(self) -> list[int]:
        """Return the packets of each call that ended since this was asked last."""
        numbers = self._numbers()
        fresh, self._told = numbers[self._told :], len(numbers)
        return fresh

    def _numbers(self) -> list[int]:
        text = self._log.read_text(encoding="ascii")
        return [int(line) for line in text[: text.rfind("\n") + 1].split()]

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
