"""One line per event on standard error; never a number, a name, a key or sound."""

import logging
import sys

SYSTEMD_PREFIX = {logging.ERROR: "<3>", logging.WARNING: "<4>", logging.INFO: "<6>", logging.DEBUG: "<7>"}


class OneLine(logging.Formatter):
    """Keep each record on one line, whatever a library puts into it (sd-daemon(3) levels under systemd)."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__(
            "%(name)s: %(message)s" if journal else "%(asctime)s %(levelname).1s %(name)s: %(message)s"
        )
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\r", "\\r").replace("\n", "\\n")
        return SYSTEMD_PREFIX.get(record.levelno, "<6>") + text if self._journal else text


def start(*, journal: bool = False, level: int = logging.INFO) -> None:
    """Set up logging for this process, once."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(journal=journal))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Request lines of clients and servers would name rows and users; ours say what matters.
    for name in ("httpx", "httpcore", "uvicorn.access", "uvicorn.error", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
