"""The same JavaScript tests that node runs, in a real browser: its WebCrypto is another one than node's."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
SERVED = ("/tests/seal/", "/tests/vectors/", "/web/js/")
PATIENCE_S = 120.0


class Handler(SimpleHTTPRequestHandler):
    """Gives out the tests and takes their outcome."""

    def __init__(self, *args: Any, outcome: "queue.Queue[dict[str, Any]]", **more: Any) -> None:
        self._outcome = outcome
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        """One file of the modules, the tests or the vectors."""
        if self.path.startswith(SERVED):
            super().do_GET()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """What came of it."""
        self._outcome.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(outcome: "queue.Queue[dict[str, Any]]") -> Iterator[str]:
    """A server on localhost, which is a secure context."""
    handler = partial(Handler, outcome=outcome, directory=str(ROOT))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def browsing(url: str, profile: Path) -> Iterator[None]:
    """Chromium without a window, at one address."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with subprocess.Popen(
        [str(CHROMIUM), *flags, *quiet, f"--user-data-dir={profile}", url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_every_vector_and_every_wound_is_the_same_in_a_real_browser(tmp_path: Path) -> None:
    outcome: queue.Queue[dict[str, Any]] = queue.Queue()
    with serving(outcome) as url, browsing(f"{url}/tests/seal/chromium/page.html", tmp_path):
        told = outcome.get(timeout=PATIENCE_S)
    assert told["failed"] == []
    assert told["passed"] >= 85
