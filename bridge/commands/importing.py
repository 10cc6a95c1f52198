"""``aftertone import voicemail``: old mailboxes of the PBX become notes."""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands.settings import settings_of, warn
from bridge.errors import SettingError

if TYPE_CHECKING:
    from bridge.intake.importing import Import, Report
    from bridge.intake.taker import Result

BROKEN_OFF = 1

USUAL = Path("/var/spool/asterisk/voicemail")

TURN_S = 30.0
"""How long another process that takes messages over is waited for: a bridge with AFTERTONE_SPOOL does so for
moments."""

EVERY = 100
"""Messages between two lines of progress where there is no terminal."""


def voicemail(args: argparse.Namespace) -> int:
    """Turn the messages of the PBX's own voicemail into sealed notes; without --go only say what would be."""
    import asyncio

    from bridge.intake.importing import Import
    from bridge.intake.limits import limits_of
    from bridge.intake.takeover import alone
    from bridge.store import open_store

    settings = settings_of(args)
    spool = args.spool or settings.spool or USUAL
    with closing(open_store(settings.data)) as store:
        try:
            work = Import(store, spool, args.mailbox)
        except OSError as error:
            raise SettingError(f"the voicemail folder {spool} cannot be read: {error.strerror}") from None
        _tell_before(work, spool, act=args.go)
        with alone(settings.data, TURN_S), _Progress(work.count()) as progress:
            run = work.run(act=args.go, removes=args.remove, limits=limits_of(settings), step=progress.step)
            try:
                report = asyncio.run(run)
            except KeyboardInterrupt:
                warn("interrupted. What was taken over is kept: run this again to go on")
                return BROKEN_OFF
    _tell_after(report, act=args.go, removes=args.remove)
    if report.broken:
        warn(f"broken off: {report.broken}. What was taken over is kept: run this again to go on")
        return BROKEN_OFF
    return 0


def _tell_before(work: "Import", spool: Path, *, act: bool) -> None:
    print(f"{spool}:")
    if new := work.new_mailboxes():
        print(f"Mailboxes that are not here yet and {'are' if act else 'would be'} made: {', '.join(new)}.")
    if nobodys := work.nobodys():
        warn(
            f"nobody belongs to {', '.join(nobodys)}, so messages that were heard there count as new."
            " Add their people first (aftertone user add) if that matters"
        )


def _tell_after(report: "Report", *, act: bool, removes: bool) -> None:
    for place, result in report.folders:
        if line := _line(result, act=act):
            print(f"  {place}: {line}")
    for left in report.total.left:
        print(f"  left alone: {left.path}: {left.why}")
    print(f"Together: {_line(report.total, act=act) or 'no messages'}.")
    if not act:
        go = "--go --remove" if removes else "--go"
        print(f"Nothing was changed. The same with {go} does it.")
    elif not removes and report.total.taken + report.total.known:
        print(
            "Nothing was removed: the messages still lie there in the clear. --go --remove takes them away."
        )


def _line(result: "Result", *, act: bool) -> str:
    counts = {
        "taken over" if act else "to be taken over": result.taken,
        "taken over before": result.known,
        "removed": result.removed,
        "left alone": len(result.left),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


class _Progress:
    """Counts on standard error: over and over in one line of a terminal, else now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._done and sys.stderr.isatty():
            print(file=sys.stderr)

    def step(self) -> None:
        """One message more."""
        self._done += 1
        line = f"{self._done} of {self._total} messages"
        if sys.stderr.isatty():
            print(f"\r{line}", end="", file=sys.stderr, flush=True)
        elif self._done % EVERY == 0:
            print(line, file=sys.stderr)
