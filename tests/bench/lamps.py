"""Lamps: 100 mailboxes change at once on 100 telephones, and Asterisk is killed while they do."""

import asyncio
import random
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bridge.phone.pbx import Extension, Pbx
from tests.pbx.lamps import LAMP_S, Bridge, bridged, counted, phones_of
from tests.pbx.sipphone import Phone

BOXES = [str(number) for number in range(1201, 1301)]
ROUNDS = 6
"""Times that every mailbox changes, on and off by turns."""

CHANGES_BETWEEN = 400
"""Single changes around the death of Asterisk."""

LAMP_LIMIT_S = 1.0
"""From the change to the telephone: off within a second of being heard anywhere."""


@dataclass(frozen=True, slots=True)
class Figures:
    """``delays``: seconds from each change to its telephone. ``right_s``: from Asterisk's start to the last
    wrong lamp's end; ``wrong``: telephones that then show something else than the store counts."""

    delays: Sequence[float]
    right_s: float
    wrong: int


def measure(folder: Path) -> Figures:
    """Run both on an Asterisk of their own; bridge and telephones live in this process."""
    with Pbx(folder / "lamps", extensions=[Extension(box, voicemail=False) for box in BOXES]) as pbx:
        return asyncio.run(_measure(folder / "lamps-data", pbx))


def sentences(figures: Figures) -> str:
    """Return what is printed."""
    ordered = sorted(figures.delays)
    late = ordered[round(0.99 * len(ordered)) - 1]
    held = "held" if ordered[-1] <= LAMP_LIMIT_S else "NOT HELD"
    return (
        f"\n{len(BOXES)} mailboxes change at once, {ROUNDS} times, {len(BOXES)} telephones\n"
        f"  change to NOTIFY: median {1000 * statistics.median(ordered):.0f} ms, 99 of 100 within "
        f"{1000 * late:.0f} ms, worst {ordered[-1]:.2f} s (limit {LAMP_LIMIT_S:g} s: {held})\n"
        f"  Asterisk killed among {CHANGES_BETWEEN} changes: every lamp right {figures.right_s:.1f} s after "
        f"it was back, {figures.wrong} wrong"
    )


async def _measure(folder: Path, pbx: Pbx) -> Figures:
    async with AsyncExitStack() as stack:
        bridge = await stack.enter_async_context(bridged(folder, pbx))
        phones = await phones_of(stack, pbx, BOXES)
        rows = {box: await bridge.note(box) for box in BOXES}
        await _all_right(bridge, phones)
        delays: list[float] = []
        for number in range(ROUNDS):
            delays += await _round(bridge, phones, rows, heard=number % 2 == 0)
        right_s = await _death(bridge, phones, rows, pbx)
        await bridge.lamps.drain(LAMP_S)
        wrong = sum(not phone.shows(*counted(bridge, box)) for box, phone in phones.items())
        return Figures(delays, right_s, wrong)


async def _round(
    bridge: Bridge, phones: dict[str, Phone], rows: dict[str, bytes], *, heard: bool
) -> list[float]:
    loop, begun = asyncio.get_running_loop(), dict[str, float]()
    for box in BOXES:
        begun[box] = loop.time()
        bridge.hear(rows[box], heard)
    await _all_right(bridge, phones)
    return [phones[box].told_at - begun[box] for box in BOXES]


async def _death(bridge: Bridge, phones: dict[str, Phone], rows: dict[str, bytes], pbx: Pbx) -> float:
    dice = random.Random(1)

    async def change() -> None:
        for _ in range(CHANGES_BETWEEN):
            bridge.hear(rows[dice.choice(BOXES)], dice.random() < 0.5)
            await asyncio.sleep(0.002)

    changing = asyncio.create_task(change())
    await asyncio.sleep(0.2)
    await asyncio.to_thread(pbx.kill)
    await asyncio.to_thread(pbx.start)
    back = asyncio.get_running_loop().time()
    for phone in phones.values():
        phone.summaries.clear()
    await asyncio.gather(changing, *(phone.register() for phone in phones.values()))
    await _all_right(bridge, phones)
    return asyncio.get_running_loop().time() - back


async def _all_right(bridge: Bridge, phones: dict[str, Phone]) -> None:
    await asyncio.gather(*(phone.lamp(*counted(bridge, box), LAMP_S) for box, phone in phones.items()))
