"""``aftertone check``: whether everything around the bridge is as it should be."""

import argparse
import logging
import os
from typing import TYPE_CHECKING

from bridge import config
from bridge.errors import SettingError

if TYPE_CHECKING:
    from bridge.check.finding import Finding


def check(args: argparse.Namespace) -> int:
    """Look at settings, data, service and PBX, and say what to do about each finding."""
    import asyncio

    from bridge.check.finding import error
    from bridge.check.look import look
    from bridge.check.report import NOT_CHECKED, exit_code, findings

    # What the connection to the PBX would log is told as a finding.
    logging.getLogger("aftertone").addHandler(logging.NullHandler())
    try:
        settings = config.load(os.environ, args.config)
        found = findings(asyncio.run(look(settings, os.environ, args.config)))
    except SettingError as fault:
        wrong = error("settings", str(fault), "correct it and check again; nothing else was looked at")
        return _tell(args, [wrong], NOT_CHECKED)
    return _tell(args, found, exit_code(found))


def _tell(args: argparse.Namespace, found: "list[Finding]", code: int) -> int:
    from bridge.check.report import as_json, as_text

    print(as_json(found, code) if args.json else as_text(found))
    return code
