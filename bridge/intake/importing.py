"""Old mailboxes of app_voicemail as notes: looked through first, resumable, nothing removed unless asked."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bridge.errors import Refused, StoreError
from bridge.intake.folder import Place, messages, opened, places
from bridge.intake.limits import Limits
from bridge.intake.taker import Plan, Result, Taker
from bridge.store import Store

Fresh = Literal["skip", "wait", "take"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mailboxes: as ``mailbox`` or ``mailbox@context``; none are all."""

    names: frozenset[str] = frozenset()

    def has(self, place: Place) -> bool:
        """Say whether a folder is asked for."""
        return not self.names or bool({place.mailbox, f"{place.mailbox}@{place.context}"} & self.names)

    def has_context(self, place: Place) -> bool:
        """Say whether it is asked for with its context."""
        return f"{place.mailbox}@{place.context}" in self.names


@dataclass(slots=True)
class Report:
    """What was found: ``folders`` by their place; ``total`` is all of them; ``broken`` says why the rest was
    not."""

    folders: list[tuple[Place, Result]] = field(default_factory=list)
    total: Result = field(default_factory=Result)
    broken: str = ""

    def add(self, place: Place, result: Result) -> None:
        """Count one folder."""
        self.folders.append((place, result))
        self.total.add(result)


class Import:
    """One run over a spool. ``publish`` is not needed: who serves the data folder is another process."""

    def __init__(
        self,
        store: Store,
        spool: Path,
        wanted: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Look which mailboxes there are. Raises Refused(``no such mailbox``) and OSError."""
        self._store = store
        self._clock = clock
        self._wanted = Wanted(frozenset(wanted))
        everything = list(places(spool))
        self.places = [place for place in everything if self._wanted.has(place)]
        named = {name for place in everything for name in (place.mailbox, f"{place.mailbox}@{place.context}")}
        if missing := sorted(self._wanted.names - named):
            raise Refused(
                "no such mailbox", user=f"There is no mailbox {missing[0]} with messages in {spool}."
            )
        boxes = {(place.mailbox, place.context) for place in everything}
        self._doubled = {mailbox for mailbox, _ in boxes if sum(other == mailbox for other, _ in boxes) > 1}

    def count(self) -> int:
        """Return how many messages there are. Raises OSError."""
        return sum(map(_count, self.places))

    def new_mailboxes(self) -> list[str]:
        """Return the mailboxes with messages that are not here yet."""
        return sorted({place.mailbox for place in self._with_messages() if not self._known(place)})

    def nobodys(self) -> list[str]:
        """Return the mailboxes whose heard messages would count as new: nobody belongs to them who could have
        heard them."""
        old = {place.mailbox for place in self._with_messages() if not place.new}
        return sorted(mailbox for mailbox in old if not self._members(mailbox))

    async def run(self, *, act: bool, removes: bool, limits: Limits, step: Callable[[], None]) -> Report:
        """Take everything over, or with ``act`` False only say what would be."""
        fresh: Fresh = "wait" if removes and act else "take"
        plan = Plan(act=act, removes=removes, fresh=fresh, admits=self._why_not, limits=limits)
        taker = Taker(self._store, plan, publish=lambda _news: None, clock=self._clock, step=step)
        report = Report()
        try:
            for place in self.places:
                report.add(place, await taker.take(place))
        except StoreError as error:
            report.broken = str(error)
        return report

    def _why_not(self, place: Place, _marked: bool) -> str | None:
        """Two people may have one number in two contexts, and here they would share a mailbox."""
        if place.mailbox in self._doubled and not self._wanted.has_context(place):
            return f"mailbox in two contexts: choose by --mailbox {place.mailbox}@{place.context}"
        return None

    def _with_messages(self) -> Iterator[Place]:
        return (place for place in self.places if _count(place))

    def _known(self, place: Place) -> bool:
        return self._store.mailboxes.by_extension(place.mailbox) is not None

    def _members(self, extension: str) -> bool:
        box = self._store.mailboxes.by_extension(extension)
        return box is not None and bool(self._store.mailboxes.members(box.id))


def _count(place: Place) -> int:
    try:
        with opened(place) as folder:
            return len(messages(folder))
    except OSError:
        return 0
