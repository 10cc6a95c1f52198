"""Any order of calls, takes, marks and crashes: the rows always tell what a simple model tells."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bridge.call.model import Reason
from bridge.store import Row
from tests.store.house import House, Take, claim, file_call, joined, opened


class Inbox(RuleBasedStateMachine):
    """``said`` is what must open, ``heard`` the marks."""

    calls = Bundle("calls")
    takes = Bundle("takes")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="aftertone-test-")
        self.house = House(Path(self._folder.name) / "data")
        self.house.store.recover()
        self.anna = joined(self.house.store, "Anna", "1001")
        self.recipient = self.house.store.mailboxes.recipient("1001")
        self.keys: dict[int, bytes] = {}
        self.takes_begun: list[Take] = []
        self.filed: set[bytes] = set()
        self.said: dict[bytes, tuple[Take, bool]] = {}
        self.heard: set[bytes] = set()

    @property
    def box(self) -> str:
        return self.recipient.mailbox_id

    @rule(target=calls, number=st.integers(0, 5), reason=st.sampled_from(Reason))
    def a_call_is_missed(self, number: int, reason: Reason) -> bytes:
        call_id = file_call(self.house.store, self.recipient, str(number), reason=reason)
        self.filed.add(call_id)
        return call_id

    @rule(target=takes, call_id=calls, segments=st.integers(0, 3))
    def a_caller_speaks(self, call_id: bytes, segments: int) -> Take:
        take = Take(self.house.store, self.recipient, call_id)
        take.speak(segments)
        self.takes_begun.append(take)
        return take

    def _kept(self, take: Take, *, speech: bool, cut_off: bool) -> None:
        self.said[take.id] = (take, cut_off)
        if speech:
            self.heard.discard(take.recording.call_id)

    @rule(take=consumes(takes), speech=st.booleans())
    def he_hangs_up(self, take: Take, speech: bool) -> None:
        if self._alive(take):
            assert asyncio.run(take.finish(speech=speech))
            self._kept(take, speech=speech, cut_off=False)

    @rule(take=consumes(takes))
    def he_starts_again(self, take: Take) -> None:
        if self._alive(take):
            take.recording.discard()

    @rule(take=consumes(takes))
    def his_line_breaks(self, take: Take) -> None:
        if self._alive(take):
            assert asyncio.run(take.recording.cut_off()) is bool(take.sent)
            if take.sent:
                self._kept(take, speech=True, cut_off=True)

    @rule()
    def the_bridge_dies(self) -> None:
        open_takes = [take for take in self.takes_begun if self._alive(take)]
        self.house.open_again().recover()
        for take in open_takes:
            if take.sent:
                self._kept(take, speech=True, cut_off=True)

    @rule(call_id=calls, heard=st.booleans())
    def anna_marks(self, call_id: bytes, heard: bool) -> None:
        self.house.store.calls.mark_heard(call_id, self.anna.id, heard)
        (self.heard.add if heard else self.heard.discard)(call_id)

    @rule()
    def anna_claims(self) -> None:
        if not self.keys:
            self.keys = claim(self.house.store, self.anna, self.box)
            self.recipient = self.house.store.mailboxes.recipient("1001")

    @rule()
    def the_chores_are_done(self) -> None:
        self.house.store.tidy()

    @invariant()
    def rows_tell_the_truth(self) -> None:
        rows = self._rows()
        assert {found.id for found in rows} == self.filed
        assert {found.id for found in rows if found.heard} == self.heard
        kept = {kept.id: kept for found in rows for kept in found.notes if kept.state == "kept"}
        assert kept.keys() == self.said.keys()
        for note_id, found in kept.items():
            take, cut_off = self.said[note_id]
            assert found.cut_off is cut_off
            if found.epoch in self.keys:
                note = opened(self.house.store, found, self.keys[found.epoch])
                assert (note.media, note.cut_off) == (take.sent, cut_off)

    def _rows(self) -> list[Row]:
        return self.house.store.calls.rows([self.box], self.anna.id, limit=200)[0]

    def _alive(self, take: Take) -> bool:
        found = self.house.store.notes.get(take.id)
        return found is not None and found.state == "recording"

    def teardown(self) -> None:
        self.house.store.close()
        self._folder.cleanup()


Inbox.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestInbox = pytest.mark.thorough(Inbox.TestCase)
