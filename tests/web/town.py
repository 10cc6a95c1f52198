"""The cast of the web's stories: a real store behind the real app, asked over HTTP.

alice is a member of mailbox 1001 (private); bob waits for 1001; carol is a member of 2002, alone.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from fastapi import FastAPI

from bridge import config
from bridge.call.model import Reason
from bridge.events import Events, News
from bridge.seal.note import seal_call_record
from bridge.store import open_store
from bridge.store.mailboxes import Mailbox
from tests.store.house import START, Clock, Person, Take, claim, joined
from web.app import create_app
from web.auth import COOKIE
from web.told import Pbx

URL = "http://localhost:8080"
API = "/api/v1"
CALLER_NAME = "<svg/onload=alert(1)>\"';-- Ada"
CALLER_NUMBER = "+4930555019999"


@dataclass
class Seconds:
    """A monotonic clock that tests turn."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Town:
    """One server with its people. ``settings`` are AFTERTONE_* names without the prefix."""

    data: Path
    settings: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    seconds: Seconds = field(default_factory=Seconds)
    recording: bool = True
    ready: bool = True
    pbx: Pbx = "off"
    events: Events = field(default_factory=Events)
    news: list[News] = field(default_factory=list)

    def __post_init__(self) -> None:
        environ = {"DATA": str(self.data), "PUBLIC_URL": URL} | self.settings
        self.loaded = config.load({f"AFTERTONE_{name}": value for name, value in environ.items()})
        self.store = open_store(self.data, events=self._told, clock=self.clock)
        self.app: FastAPI = create_app(
            self.store,
            self.events,
            self.loaded,
            recording=lambda: self.recording,
            ready=lambda: self.ready,
            pbx=lambda: self.pbx,
            clock=self.seconds,
        )
        self.alice = joined(self.store, "alice", "1001")
        self.bob = joined(self.store, "bob", "1001")
        self.carol = joined(self.store, "carol", "2002")
        self.keys = {box.extension: claim(self.store, who, box.id) for box, who in self._claims()}

    def _claims(self) -> list[tuple[Mailbox, Person]]:
        return [(self.box("1001"), self.alice), (self.box("2002"), self.carol)]

    def _told(self, news: News) -> None:
        self.news.append(news)
        self.events.publish(news)

    def box(self, extension: str) -> Mailbox:
        found = self.store.mailboxes.by_extension(extension)
        assert found is not None
        return found

    def call(self, extension: str, *, name: str = CALLER_NAME, minutes: int = 0) -> str:
        """File a missed call with a hostile name; returns its row id."""
        recipient = self.store.mailboxes.recipient(extension)
        call_id = os.urandom(16)
        caller = {"number": CALLER_NUMBER, "name": name, "presentation": "allowed"}
        record = {
            "v": 1,
            "kind": "call",
            "from": caller,
            "reason": "no_answer",
            "rang_at": "2026-03-01T11:59:40Z",
        }
        sealed = seal_call_record(call_id, recipient, record)
        linkedid = call_id.hex()
        at = START.replace(minute=minutes % 60)
        self.store.calls.file(call_id, recipient.mailbox_id, linkedid, Reason.NO_ANSWER, at, sealed)
        return call_id.hex()

    def take(self, extension: str, row_id: str) -> Take:
        """Begin a note under a row."""
        return Take(self.store, self.store.mailboxes.recipient(extension), bytes.fromhex(row_id))

    async def note(self, extension: str, row_id: str, segments: int = 3) -> Take:
        """Record a whole note under a row."""
        take = self.take(extension, row_id)
        take.speak(segments)
        assert await take.finish()
        return take

    def client(self, url: str = URL, peer: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """A browser or program without a session."""
        transport = httpx.ASGITransport(app=self.app, client=(peer, 50000), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=url, headers=headers)

    def page_of(self, person: Person) -> httpx.AsyncClient:
        """A browser with somebody's session, as the page uses it: cookie, X-CSRF and Origin."""
        token = self.store.sessions.open(person.id, "cookie")
        client = self.client()
        client.cookies.set(COOKIE, token)
        client.headers["X-CSRF"] = self.store.sessions.form_mark(token)
        client.headers["Origin"] = URL
        return client

    def program_of(self, person: Person) -> httpx.AsyncClient:
        """A program with a bearer session."""
        token = self.store.sessions.open(person.id, "bearer")
        return self.client(Authorization=f"Bearer {token}")

    def close(self) -> None:
        self.events.close()
        self.store.close()
