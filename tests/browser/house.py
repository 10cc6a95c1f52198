"""A real inbox for a real browser: the app, the store and the seal on a free port, and callers to fill it."""

import asyncio
import functools
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import uvicorn

from bridge.call.model import Codec, Reason
from bridge.config import load
from bridge.events import Events, News
from bridge.media import g711
from bridge.seal import keys
from bridge.seal.note import (
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    NoteSealer,
    Recipient,
    pad_json,
    seal_call_record,
)
from bridge.store import Row, Store, open_store
from web.app import create_app
from web.streams import Streams
from web.told import Pbx

T = TypeVar("T")

SEGMENT = 4000
PASSPHRASE = "correct horse battery staple"
LIMIT_S = 20.0


def speech(seconds: float, seed: int = 1) -> bytes:
    """Return µ-law that no other seed has: a tone that wanders in pitch and loudness."""
    moment = np.arange(int(seconds * 8000)) / 8000
    loud = 0.2 + 0.8 * np.abs(np.sin(2 * np.pi * moment * (0.7 + seed % 5 * 0.2)))
    tone = np.sin(2 * np.pi * (200 + 37 * seed) * moment + 3 * np.sin(2 * np.pi * 0.8 * moment))
    noise = np.random.default_rng(seed).normal(0, 300, moment.size)
    return g711.encode((9000 * loud * tone + noise).astype(np.int16), Codec.PCMU)


@functools.cache
def passphrase_secret() -> tuple[str, bytes]:
    """Return parameters and secret of PASSPHRASE; deriving it is dear, and once is enough for all tests."""
    params = keys.passphrase_params()
    return params, keys.passphrase_secret(PASSPHRASE, params)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who has joined, as a test may know him."""

    id: str
    name: str
    private: bytes
    public: bytes
    code: str
    session: str


class House:
    """One installation. Store and events live on the server's loop; ``on_loop`` does things there."""

    def __init__(self, data: Path, port: int = 0) -> None:
        self.data = data
        self.recording = True
        self.pbx: Pbx = "off"
        self.events = Events()
        self._listening = socket.create_server(("127.0.0.1", port))
        # As uvloop does for the service; plain asyncio would let each answer wait 40 ms for an ACK.
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://localhost:{self._listening.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="house", daemon=True)
        self._ready = threading.Event()
        self.store: Store
        self._server: uvicorn.Server
        self._thread.start()
        if not self._ready.wait(LIMIT_S):
            raise TimeoutError("the house did not open")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self.store = open_store(self.data, events=self.events.publish)
        self.store.recover()
        settings = load({"AFTERTONE_DATA": str(self.data), "AFTERTONE_PUBLIC_URL": self.url}, None)
        self._app = create_app(
            self.store,
            self.events,
            settings,
            recording=lambda: self.recording,
            ready=lambda: True,
            pbx=lambda: self.pbx,
        )
        config = uvicorn.Config(self._app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._loop.call_soon(self._ready.set)
        self._loop.run_until_complete(self._server.serve(sockets=[self._listening]))
        self.store.close()
        self._loop.close()

    def close(self) -> None:
        """Stop the server and close the store."""
        self._loop.call_soon_threadsafe(self.events.close)
        self._server.should_exit = True
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive(), "the house did not close"
        self._listening.close()

    def on_loop(self, work: Callable[[], T]) -> T:
        """Do something with store or events, in their own thread."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result(LIMIT_S)

    def awaited(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that takes a while on the server's loop."""

        async def run() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(LIMIT_S)

    def rows(self, extension: str = "1001") -> list[Row]:
        """Return a mailbox's rows as they stand."""

        def read() -> list[Row]:
            box = self.store.mailboxes.by_extension(extension)
            assert box is not None
            return self.store.calls.rows([box.id], None, limit=200)[0]

        return self.on_loop(read)

    def invite(self, name: str = "anna", *extensions: str) -> str:
        """Make a user and return his one-time link, as ``aftertone user add`` prints it."""
        token = self.on_loop(lambda: self.store.users.add(name, list(extensions or ("1001",))))[1]
        return f"{self.url}/join#{token}"

    def join(self, name: str = "anna", extension: str = "1001", *, claim: bool = True) -> Member:
        """Enrol somebody as his page would, with PASSPHRASE, and claim his mailbox for him."""
        user, token = self.on_loop(lambda: self.store.users.add(name, [extension]))
        private, public = keys.new_keypair()
        params, secret = passphrase_secret()
        code, code_secret = keys.new_recovery_code()
        slots = [
            keys.make_keyslot(keys.SlotKind.PASSPHRASE, secret, private, user.id, params),
            keys.make_keyslot(keys.SlotKind.RECOVERY, code_secret, private, user.id),
        ]
        salt = bytes.fromhex(params.partition('"salt":"')[2][:32])
        login, recovery = keys.login_auth(secret), keys.recovery_auth(code_secret)
        self.on_loop(
            lambda: self.store.users.join(
                token, public=public, slots=slots, salt=salt, login=login, recovery=recovery
            )
        )
        session = self.on_loop(lambda: self.store.sessions.open(user.id, "cookie"))
        member = Member(user.id, name, private, public, code, session)
        if claim:
            self.claim(member, extension)
        return member

    def claim(self, member: Member, extension: str = "1001") -> None:
        """Claim a mailbox as a member's page does, up to the confirmation."""
        box = self.on_loop(lambda: self.store.mailboxes.by_extension(extension))
        assert box is not None
        wrap = self.on_loop(lambda: self.store.mailboxes.offer_claim(box.id, member.id))
        first = keys.open_mailbox_wrap(
            wrap,
            user_private=member.private,
            user_id=member.id,
            mailbox_id=box.id,
            epoch=0,
            m_public=box.public,
        )
        private, public = keys.new_keypair()
        mine = keys.mailbox_wrap(member.public, member.id, box.id, 1, private, public)
        proof = keys.claim_proof(first, member.id)
        self.on_loop(lambda: self.store.mailboxes.confirm_claim(box.id, member.id, proof, public, mine))
        self.tell(News("row", box.id))

    def call(
        self,
        number: str = "+493055501234",
        name: str = "",
        *,
        reason: Reason = Reason.NO_ANSWER,
        rang_s: float = 15,
        presentation: str = "allowed",
        extension: str = "1001",
        ago: timedelta = timedelta(),
        group: bool = False,
        forwarded_from: str | None = None,
    ) -> bytes:
        """Miss a call and return its row's id."""
        at = datetime.now(UTC) - ago
        call_id = os.urandom(16)
        record = {
            "v": 1,
            "kind": "call",
            "from": {"number": number, "name": name, "presentation": presentation},
            "dialled": extension,
            "forwarded_from": forwarded_from,
            "group": group,
            "reason": reason,
            "rang_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "rang_s": rang_s,
        }

        def file() -> bytes:
            recipient = self.store.mailboxes.recipient(extension)
            sealed = seal_call_record(call_id, recipient, record)
            return self.store.calls.file(call_id, recipient.mailbox_id, call_id.hex(), reason, at, sealed)

        return self.on_loop(file)

    def note(
        self,
        sound: bytes,
        call_id: bytes,
        *,
        extension: str = "1001",
        speech_heard: bool = True,
        cut_off: bool = False,
        urgent: bool = False,
    ) -> bytes:
        """Leave a note under a call, sealed as the bridge does, and return its id."""

        async def leave() -> bytes:
            recipient = self.store.mailboxes.recipient(extension)
            return await self._record(recipient, sound, call_id, speech_heard, cut_off, urgent)

        return self.awaited(leave)

    async def _record(
        self, recipient: Recipient, sound: bytes, call_id: bytes, heard: bool, cut_off: bool, urgent: bool
    ) -> bytes:
        note_id, now = os.urandom(16), datetime.now(UTC)
        seal = NoteSealer(note_id, recipient.mailbox_id, [recipient.public])
        start = {
            "v": 1,
            "kind": "note",
            "type": "audio/PCMU",
            "started_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        meta = seal.record(STREAM_META, pad_json(start), 0)
        recording = self.store.notes.begin(
            note_id, call_id, recipient, seal.head, seal.commit, seal.envelopes, meta, now
        )
        for at in range(0, len(sound), SEGMENT):
            recording.append(seal.record(STREAM_MEDIA, sound[at : at + SEGMENT], at // 8))
        if cut_off:
            await recording.cut_off()
            return note_id
        ended = len(sound) // 8
        media = seal.record(STREAM_MEDIA, b"", ended, final=True)
        peaks = seal.record(STREAM_PEAKS, _peaks(sound), ended, final=True)
        counts = {str(stream): count for stream, count in seal.counts.items()}
        told = start | {"seconds": len(sound) / 8000, "ended": "caller_hangup", "streams": counts}
        told |= {"urgent": True} if urgent else {}
        end = seal.record(STREAM_META, pad_json(told), ended, final=True)
        await recording.finish(media + peaks + end, end, peaks, heard)
        return note_id

    def streams(self, member: Member) -> int:
        """Return how many event streams a member holds."""
        streams: Streams = self._app.state.house.streams
        return self.on_loop(lambda: streams.count(member.id))

    def tell_streams(self) -> None:
        """Let streams look again at once whose rows they may tell of; on the server's loop."""
        self._app.state.house.streams.memberships += 1

    def tell(self, news: News) -> None:
        """Publish something."""
        self.on_loop(lambda: self.events.publish(news))


def _peaks(sound: bytes) -> bytes:
    samples = np.abs(g711.decode(sound, Codec.PCMU).astype(np.int32))
    return bytes(int(min(255, samples[at : at + 800].max() >> 7)) for at in range(0, samples.size, 800))


def until(true: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait for something that happens outside of the page."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen")
        time.sleep(0.02)
