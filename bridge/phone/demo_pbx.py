"""The demo's telephone system alone: ``python -m bridge.phone.demo_pbx`` in a container beside the bridge's.

An Asterisk with our dialplan on 127.0.0.1, a telephone that rings and is not answered, and one caller who
leaves a note as soon as the bridge is there. ``AFTERTONE_HTTP`` and ``AFTERTONE_AGI`` say where that is.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bridge import config
from bridge.errors import SettingError, Unready
from bridge.phone import inbox
from bridge.phone.pbx import Pbx
from bridge.phone.telephones import POLL_S, Telephones, say

MAILBOX, CALLER = "1001", "1009"
RING_S = 4
BRIDGE_DEADLINE_S = 120.0
"""A first start makes a database, perhaps on a busy machine, beside us."""


def run(folder: Path, settings: config.Settings, sip_port: int) -> None:
    """Show telephones until interrupted; raises Unready with what to do."""
    folder.mkdir(parents=True, exist_ok=True)
    agi = str(settings.agi)
    with Pbx(folder, agi=agi, ring_s=RING_S, sip_port=sip_port) as pbx:
        say(f"PBX: {pbx.version}, SIP on 127.0.0.1:{pbx.sip_port}, bridge at {agi}")
        for one in pbx.extensions:
            say(f"Extension {one.number} ({one.language}), password {one.password}")
        wait_for_bridge(settings)
        telephones = Telephones(pbx, folder / "telephones.log")
        with telephones.ringing(MAILBOX):
            telephones.leave_note(CALLER, MAILBOX)
            say("Start this container again for another call.")
            signal.pause()


def wait_for_bridge(settings: config.Settings) -> None:
    """Wait until the bridge takes calls; raises Unready when it does not come."""
    stop = time.monotonic() + BRIDGE_DEADLINE_S
    while not inbox.is_ready(settings.http.host, settings.http.port):
        if time.monotonic() > stop:
            raise Unready(f"no bridge is ready on {settings.http}: start it, or name it in AFTERTONE_HTTP")
        time.sleep(POLL_S)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C, once."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Run the demo's telephone system in a folder of its own."""
    parser = argparse.ArgumentParser(prog="python -m bridge.phone.demo_pbx", description=__doc__)
    parser.add_argument("folder", type=Path, help="for configuration, logs and AstDB")
    parser.add_argument("--sip-port", type=int, default=5060, help="UDP port on 127.0.0.1")
    args = parser.parse_args(arguments)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, interrupt)
    try:
        run(args.folder, config.load(os.environ), args.sip_port)
    except KeyboardInterrupt:
        say("The telephones and their PBX have ended.")
        return 0
    except (SettingError, Unready) as error:
        say(f"The demo's PBX cannot run. {error.user}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
