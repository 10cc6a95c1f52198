"""One line per event on standard error; never a number, a name, a key or sound."""

import logging
import sys
import traceback
from types import TracebackType

from bridge.errors import AftertoneError

SYSTEMD_PREFIX = {logging.ERROR: "<3>", logging.WARNING: "<4>", logging.INFO: "<6>", logging.DEBUG: "<7>"}


ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def told(error: BaseException) -> str:
    """Return what went wrong and where, with each error's own words only if they are ours: those of another
    may quote what a caller sent."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.insert(0, cause)
        cause = cause.__cause__ or cause.__context__
    return "\n".join(
        f"{type(one).__name__}{f': {one}' if isinstance(one, AftertoneError) else ''}\n"
        + "".join(traceback.format_tb(one.__traceback__))
        for one in chain
    )


class OneLine(logging.Formatter):
    """Keep each record on one line, whatever a library puts into it (sd-daemon(3) levels under systemd)."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__(
            "%(name)s: %(message)s" if journal else "%(asctime)s %(levelname).1s %(name)s: %(message)s"
        )
        self._journal = journal

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's own name
        """Return what ``told`` says of it."""
        return told(ei[1]) if ei[1] is not None else ""

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
