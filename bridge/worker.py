"""The one worker of ``aftertone serve``, started by its supervisor: ``python -m bridge.worker``."""

import argparse
import os
import sys
from pathlib import Path

import uvloop

from bridge import config, hygiene, log
from bridge.errors import AftertoneError, SettingError
from bridge.service import Service
from bridge.supervisor import EXIT_SETTINGS, HEARTBEAT_FD
from web.app import create_app


def main() -> int:
    """Serve until told to stop; returns the exit code that the supervisor judges by."""
    arguments = argparse.ArgumentParser(prog="bridge.worker")
    arguments.add_argument("--config", type=Path)
    chosen = arguments.parse_args().config
    hygiene.harden()
    log.start(journal="JOURNAL_STREAM" in os.environ)
    beat = os.environ.get(HEARTBEAT_FD)

    async def run() -> None:
        settings = config.load(os.environ, chosen)
        await Service(settings, create_app, int(beat) if beat else None).run()

    try:
        uvloop.run(run())
    except AftertoneError as error:
        print(f"aftertone: {error.user}", file=sys.stderr)
        return EXIT_SETTINGS if isinstance(error, SettingError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
