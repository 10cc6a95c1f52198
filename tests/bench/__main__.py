"""``make bench``: N callers at once into VoiceMail and into Aftertone, by turns, on one Asterisk."""

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import AftertoneError
from tests.bench import finding, lamps, report, streams
from tests.bench.ear import seconds_to_speak
from tests.bench.floor import NullBridge
from tests.bench.house import NULL, House
from tests.bench.inbox import Inbox
from tests.bench.runs import AFTERTONE, FLOOR, VOICEMAIL, Bench, Run, Side, Taker, median

BEEP_HZ = 700.0
"""Of Asterisk's ``beep``."""

OUR_TONE_HZ = 440.0

MARGIN_S = 2.0
"""A busy PBX ends its tone later than an idle one; nobody's first word may fall on it."""


def by_turns(bench: Bench, sides: Sequence[Side], callers: int, runs: int) -> list[list[Run]]:
    """Return the runs of each side: A B A B, so that a busy minute of the machine harms both."""
    measured: list[list[Run]] = [[] for _ in sides]
    for _ in range(runs):
        for side, into in zip(sides, measured, strict=True):
            into.append(bench.run(side, callers))
    return measured


def tone_only(bench: Bench, callers: int, runs: int, *, floor: bool = False) -> None:
    """Print what a note costs with ``callers`` at once, tone only on both sides.

    ``floor``: also with a bridge that does nothing; no bridge in Python can cost less.
    """
    sides = (VOICEMAIL, FLOOR, AFTERTONE) if floor else (VOICEMAIL, AFTERTONE)
    theirs, *least, ours = by_turns(bench, sides, callers, runs)
    print(f"\n{callers} callers at once\n{report.HEAD}")
    for side, ran in zip(sides, (theirs, *least, ours), strict=True):
        print(report.line(side.name, median(ran)))
    print(report.comparison(VOICEMAIL.name, median(ours), median(theirs), report.RATIO_LIMIT))
    for nothing in least:
        print(report.floor(nothing, ours, theirs))
    print(report.hang_ups(median(ours).delays, callers * runs), flush=True)


def by_default(bench: Bench, house: House, callers: int, runs: int) -> None:
    """Print the same as both are by default, and how long a caller waits until he may speak."""
    theirs_s = statistics.median(seconds_to_speak(house, "930", BEEP_HZ) for _ in range(runs))
    ours_s = statistics.median(seconds_to_speak(house, "940", OUR_TONE_HZ) for _ in range(runs))
    bench.forget()
    sides = (
        Side("VoiceMail(box,u)", "93", theirs_s + MARGIN_S, Taker.VOICEMAIL),
        Side("Aftertone, greeting", "94", ours_s + MARGIN_S, Taker.BRIDGE),
    )
    theirs, ours = by_turns(bench, sides, callers, runs)
    print(f"\n{callers} callers at once, both as they are by default\n{report.HEAD}")
    print(report.line(sides[0].name, median(theirs)))
    print(report.line(sides[1].name, median(ours)))
    print(report.comparison(sides[0].name, median(ours), median(theirs), report.DEFAULT_LIMIT))
    print(f"  seconds after the answer until the caller may speak: {theirs_s:.2f} there, {ours_s:.2f} here")


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--callers", default="50,100,200", help="crowd sizes with commas between")
    asked.add_argument("--runs", type=int, default=3, help="runs of each side; medians are printed")
    asked.add_argument("--quick", action="store_true", help="one run of ten callers, tone only")
    asked.add_argument("--tone-only", action="store_true", help="nothing else is measured")
    chosen = asked.parse_args(arguments)
    try:
        chosen.callers = [10] if chosen.quick else [int(size) for size in chosen.callers.split(",")]
    except ValueError:
        asked.error("--callers wants numbers with commas between, such as 50,100,200")
    if not all(1 <= size <= 200 for size in chosen.callers) or chosen.runs < 1:
        asked.error("--callers may be 1 to 200, --runs 1 or more")
    return chosen


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 0 when it could be measured, whatever the figures say."""
    chosen = options(arguments)
    # as with Ctrl-C: PBX and bridge are processes of their own and must be ended
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    runs = 1 if chosen.quick else chosen.runs
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aftertone-bench-") as folder:
        try:
            with (
                House(Path(folder), max(chosen.callers)) as house,
                Inbox(house.key_file) as inbox,
                NullBridge(Path(folder)) as null,
            ):
                house.pbx.set_global(NULL, null.agi)
                print(f"{house.pbx.version}; {len(chosen.callers)} crowds, medians of {runs}")
                bench = Bench(house, inbox, idle_s=1.0 if chosen.quick else 5.0, null=null)
                idle = (1000 * bench.asterisk_idle.rate, 1000 * bench.bridge_idle.rate)
                print(
                    "idle, taken off below: Asterisk {:.1f}, bridge {:.1f} ms of CPU a second".format(*idle)
                )
                for callers in chosen.callers:
                    # The largest crowd is the one that has a limit, and a limit wants its floor beside it.
                    largest = callers == max(chosen.callers) and not chosen.quick
                    tone_only(bench, callers, runs, floor=largest)
                if chosen.tone_only:
                    return 0
                if not chosen.quick:
                    by_default(bench, house, max(chosen.callers), runs)
            print(lamps.sentences(lamps.measure(Path(folder))), flush=True)
            print(finding.sentences(finding.measure(Path(folder))), flush=True)
            print(streams.sentences(streams.measure(Path(folder))))
        except AftertoneError as error:
            print(f"The bench could not measure: {error.user}", file=sys.stderr)
            return 1
    print(f"\n{time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
