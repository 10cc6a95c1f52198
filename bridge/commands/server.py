"""Commands that run the bridge or belong into the PBX."""

import argparse
import sys
from importlib import resources

from bridge import config
from bridge.commands.settings import settings_of, warn
from bridge.errors import SettingError
from bridge.supervisor import Supervisor


def serve(args: argparse.Namespace) -> int:
    """Run the service until it is told to stop."""
    doubt = config.insecure(settings_of(args))
    if doubt is not None:
        warn(doubt)
    chosen = ["--config", str(args.config)] if args.config else []
    return Supervisor([sys.executable, "-m", "bridge.worker", *chosen]).run()


def dialplan(args: argparse.Namespace) -> int:
    """Print what belongs into the PBX's extensions.conf, with this installation's addresses."""
    if args.manager:
        print(_file("manager.aftertone.conf"), end="")
        return 0
    agi = args.agi or settings_of(args).agi
    if agi.host in config.ANYWHERE or agi.port == 0:
        raise SettingError(
            f"AFTERTONE_AGI is {agi}, which no PBX can call: name the bridge as the PBX reaches it,"
            " such as aftertone dialplan --agi 192.0.2.7:4573"
        )
    print(_file("aftertone.conf").replace("127.0.0.1:4573", str(agi)), end="")
    return 0


def _file(name: str) -> str:
    return resources.files("dialplan").joinpath(name).read_text(encoding="utf-8")
