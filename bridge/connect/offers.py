"""Calls that were offered and accepted: each waits once for its sound, and once for its outcome."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from bridge.call.model import Call
from bridge.call.policy import OFFER_VALID_S

KEPT_OUTCOMES = 4096
"""Offers remembered, the oldest forgotten first; the PBX asks for an outcome within a second of its end."""

OUTCOME_WAIT_S = 2.0
"""How long the PBX's question waits for a session that is still finishing its note."""


QUESTION_S = 1.0
"""How soon after a call's sound has ended the PBX asks for its outcome, if the caller is still there."""


@dataclass(slots=True)
class _Offer:
    call: Call
    valid_until: float
    outcome: asyncio.Future[bool]
    claimed: bool = False
    settled_at: float | None = None
    told: bool = False

    @property
    def speaks(self) -> bool:
        """Whether its sound has come and has not ended."""
        return self.claimed and not self.outcome.done()


class Offers:
    """The table of accepted offers, by the UUID that the PBX brings with the sound."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._offers: dict[bytes, _Offer] = {}

    def expect(self, call: Call) -> uuid.UUID:
        """Return a fresh UUID with which this call's sound may come once, within OFFER_VALID_S."""
        ticket = uuid.uuid4()
        if len(self._offers) >= KEPT_OUTCOMES:
            # Not one who speaks: his note would be called lost. They are fewer than MAX_CALLS.
            oldest = next(key for key, offer in self._offers.items() if not offer.speaks)
            self._offers.pop(oldest).outcome.cancel()
        outcome = asyncio.get_running_loop().create_future()
        self._offers[ticket.bytes] = _Offer(call, self._clock() + OFFER_VALID_S, outcome)
        return ticket

    def claim(self, ticket: bytes) -> Call | None:
        """Return the call whose sound this is; None for an unknown, used or expired UUID."""
        offer = self._offers.get(ticket)
        if offer is None or offer.claimed or self._clock() > offer.valid_until:
            return None
        offer.claimed = True
        return offer.call

    def settle(self, ticket: bytes, kept: bool) -> None:
        """Note the outcome of a claimed call; the first one told stands."""
        offer = self._offers.get(ticket)
        if offer is not None and not offer.outcome.done():
            offer.outcome.set_result(kept)
            offer.settled_at = self._clock()

    async def outcome(self, ticket: bytes) -> bool:
        """Say whether the note was kept; waits OUTCOME_WAIT_S for a running session. Unknown: False."""
        offer = self._offers.get(ticket)
        if offer is None or not (offer.claimed or offer.outcome.done()):
            return False
        done, _ = await asyncio.wait([offer.outcome], timeout=OUTCOME_WAIT_S)
        return bool(done) and not offer.outcome.cancelled() and offer.outcome.result()

    def told(self, ticket: bytes) -> None:
        """Note that the PBX has the answer to its question."""
        offer = self._offers.get(ticket)
        if offer is not None:
            offer.told = True

    async def all_told(self) -> None:
        """Wait until the PBX has asked for every fresh outcome, or does not come to ask (a caller who hung up
        is not asked for)."""
        while self._is_expected():  # noqa: ASYNC110 - an outcome grows old without an event
            await asyncio.sleep(0.02)

    def _is_expected(self) -> bool:
        now = self._clock()
        return any(
            not offer.told and offer.settled_at is not None and now < offer.settled_at + QUESTION_S
            for offer in self._offers.values()
        )
