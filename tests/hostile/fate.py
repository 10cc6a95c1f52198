"""What happens to each of many callers, drawn beforehand from one seed: who is called, what the telephone
does, and how the caller behaves."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.pbx.sipphone import Script

PHONES = [str(number) for number in range(1001, 1009)]
"""Telephones that are there."""

ABSENT, QUIET = "1009", "1010"
"""A mailbox whose telephone never logged in, and one that is on do-not-disturb."""

BOXES = [*PHONES, ABSENT, QUIET]

RING_S = 2

RINGS_OUT = Script()
REFUSALS = {480: "no_answer", 486: "busy", 600: "busy", 603: "declined", 404: "unreachable",
            503: "unreachable", 488: "failed", 500: "failed"}  # fmt: skip
"""Final answers of a telephone, and why the call is then missed."""


class Does(StrEnum):
    """How a caller behaves; all but the first three wait until somebody, or something, answers."""

    GIVES_UP_AT_ONCE = "gives up before it rings"
    GIVES_UP = "gives up while it rings"
    TALKS = "talks to a person"
    LEAVES = "hangs up at any moment after the answer"
    SPEAKS = "speaks and hangs up"
    FINISHES = "speaks and presses #"
    AGAIN = "speaks, presses *, speaks again"
    TRAILS_OFF = "speaks, then is silent"
    IS_SILENT = "says nothing"


@dataclass(frozen=True, slots=True)
class Fate:
    """One caller's lot. ``reason`` is why the call is missed if it is, ``number`` his and nobody else's;
    ``after_s`` is how long he waits or speaks, ``again_s`` how long the second time."""

    number: str
    mailbox: str
    script: Script
    reason: str
    does: Does
    after_s: float
    again_s: float

    def __str__(self) -> str:
        phone = "answers" if self.script.final == 200 else str(self.script.final or "rings")
        return (
            f"{self.number} calls {self.mailbox} ({phone}, {self.reason}) and {self.does};"
            f" {self.after_s:.2f} s, {self.again_s:.2f} s"
        )


def fates(count: int, seed: int) -> Iterator[Fate]:
    """Draw so many callers."""
    rng = random.Random(seed)
    for index in range(count):
        yield _drawn(rng, f"4930{index:06}")


def _drawn(rng: random.Random, number: str) -> Fate:
    mailbox = rng.choice(PHONES) if rng.random() < 0.85 else rng.choice((ABSENT, QUIET))
    reason = {ABSENT: "unreachable", QUIET: "dnd"}.get(mailbox, "no_answer")
    script = RINGS_OUT
    if mailbox in PHONES:
        lot = rng.random()
        if lot < 0.2:
            script = Script(final=200, after_s=rng.uniform(0.0, 0.4))
        elif lot < 0.65:
            final = rng.choice(sorted(REFUSALS))
            script, reason = Script(final=final, after_s=rng.uniform(0.0, 0.4)), REFUSALS[final]
    return Fate(number, mailbox, script, reason, *_behaviour(rng, mailbox, script))


def _behaviour(rng: random.Random, mailbox: str, script: Script) -> tuple[Does, float, float]:
    if script.final == 200:
        return Does.TALKS, rng.uniform(0.2, 3.0), 0.0
    rings = script is RINGS_OUT and mailbox in PHONES
    if rings and rng.random() < 0.4:
        does = rng.choice((Does.GIVES_UP_AT_ONCE, Does.GIVES_UP, Does.GIVES_UP))
        return does, rng.uniform(0.0, RING_S + 0.2), 0.0
    does = rng.choices(
        (Does.LEAVES, Does.SPEAKS, Does.FINISHES, Does.AGAIN, Does.TRAILS_OFF, Does.IS_SILENT),
        (25, 40, 10, 10, 10, 5),
    )[0]
    longest_s = 3.0 if does is Does.LEAVES else 5.0
    return does, rng.uniform(0.0, longest_s), rng.uniform(0.0, 4.0)
