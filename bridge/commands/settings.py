"""The settings of a command that works on the server's own machine."""

import argparse
import os
import sys

from bridge import config


def settings_of(args: argparse.Namespace) -> config.Settings:
    """Return the settings, with a warning for each name that nobody reads. Raises SettingError."""
    found = config.load(os.environ, args.config)
    for sentence in config.unknown(os.environ, args.config):
        warn(sentence)
    return found


def warn(sentence: str) -> None:
    """Tell the admin something beside the output."""
    print(f"aftertone: {sentence}", file=sys.stderr)
