"""``aftertone open``: one note into a sound file."""

import os
import re
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import Refused
from bridge.keyholder.client import Client, load_key, unb64
from bridge.keyholder.failure import Exit, Failure, ending, tell
from bridge.keyholder.keyring import Keyring
from bridge.keyholder.listing import all_rows
from bridge.seal import open as opening

RATE = 8000
"""Samples per second of G.711, one byte each."""

_FORMATS = {"audio/PCMA": (6, b"\xd5"), "audio/PCMU": (7, b"\xff")}
"""WAVE format numbers (RFC 2361, A.5 and A.6) and the byte of silence."""

_HINT = " (--damaged keeps what can still be opened)"
"""Added where only the sound is damaged: everything before it has opened."""


_UNSEALED = ("not sealed to this key", "envelope", "commit")
"""Words of a note whose key could not be had."""


def open_note(
    note_id: str, key_file: Path, out: Path, *, damaged: bool = False, server: str | None = None
) -> int:
    """Write one note as WAV (G.711) or as the file it is (WebM, MP4) to ``out``; ``-`` is standard output.

    An existing file is never overwritten: it may be the only copy of another note. ``damaged`` passes over
    segments whose check fails; silence stands in their place and they are told. ``server`` is where to ask if
    not at the address in the key file. Returns the exit code.
    """

    def work() -> None:
        if not re.fullmatch(r"[0-9a-f]{32}", note_id):
            raise Failure(Exit.USAGE, "a note id has 32 hex digits, as `aftertone notes` shows them")
        _check_target(out)
        with Client(load_key(key_file, server)) as client:
            keyring = Keyring(client)
            keyring.settle()
            note = _fetched(client, keyring, note_id, damaged)
        _tell_state(note)
        _write(out, as_file(note))

    return ending(work)


def as_file(note: opening.OpenedNote) -> bytes:
    """Return what a player takes: a WAV file for G.711, else the media as they are."""
    known = _FORMATS.get(str(note.meta.get("type")))
    if known is None:
        return note.media
    number, silence = known
    return wav(_filled(note, silence), number)


def wav(data: bytes, number: int) -> bytes:
    """Return G.711 with its 58-byte header: RIFF, ``fmt `` of 18 bytes, ``fact``, ``data`` (RFC 2361)."""
    padding = b"\0" * (len(data) % 2)
    size = 4 + 26 + 12 + 8 + len(data) + len(padding)
    layout = struct.pack("<4sIHHIIHHH", b"fmt ", 18, number, 1, RATE, RATE, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(data))
    return (
        b"RIFF"
        + struct.pack("<I4s", size, b"WAVE")
        + layout
        + fact
        + struct.pack("<4sI", b"data", len(data))
        + data
        + padding
    )


def _filled(note: opening.OpenedNote, silence: bytes) -> bytes:
    parts, at = [], 0
    for gap in note.gaps:
        parts += [note.media[at : gap.at], silence * gap.length]
        at = gap.at
    return b"".join([*parts, note.media[at:]])


def _fetched(client: Client, keyring: Keyring, note_id: str, damaged: bool) -> opening.OpenedNote:
    """Fetch a note and open it, by the envelopes of its row where those in the blob do not fit.

    The row is the truth: a blob's head is rewritten later. But only the whole list has rows, so it is asked
    for only when it is needed.
    """
    try:
        blob = client.blob(note_id)
    except Failure as failure:
        if failure.code is not Exit.NOT_FOUND:
            raise
        raise Failure(Exit.NOT_FOUND, "no such note, or this key may not open it") from None
    try:
        try:
            return _opened(keyring, blob, note_id, damaged)
        except Refused as refused:
            if refused.word not in _UNSEALED:
                raise
        return _opened(keyring, blob, note_id, damaged, _envelopes(client, note_id))
    except Refused as refused:
        if refused.word == "not sealed to this key":
            raise Failure(Exit.UNOPENED, "the note is not sealed to a key of this key file") from None
        hint = _HINT if refused.word == "record" and not damaged else ""
        raise Failure(Exit.UNOPENED, f"the note cannot be opened: {refused.word}{hint}") from None


def _opened(
    keyring: Keyring, blob: bytes, note_id: str, damaged: bool, envelopes: Sequence[bytes] | None = None
) -> opening.OpenedNote:
    """Open the note as one of my mailboxes': which one, the asker decides, not the blob. Raises Refused."""
    asked = bytes.fromhex(note_id)
    for box in keyring.boxes:
        try:
            return box.opened(
                lambda secret, box=box: opening.open_note(  # type: ignore[misc]
                    blob,
                    note_id=asked,
                    mailbox_id=box.id,
                    secret=secret,
                    envelopes=envelopes,
                    damaged=damaged,
                )
            )
        except Refused as refused:
            if refused.word not in ("not this note", "not sealed to this key"):
                raise
    raise Refused("not sealed to this key")


def _envelopes(client: Client, note_id: str) -> list[bytes]:
    for row in all_rows(client):
        for note in row["notes"]:
            if note["id"] == note_id:
                return [unb64(envelope) for envelope in note["envelopes"]]
    raise Refused("not sealed to this key")


def _tell_state(note: opening.OpenedNote) -> None:
    if note.cut_off:
        tell("the end of this note is missing: a crash or a deletion, which cannot be told apart")
    for gap in note.gaps:
        tell(f"damaged: {gap.length / RATE:.1f} s at {gap.t_ms / 1000:.1f} s are missing")


def _check_target(out: Path) -> None:
    if str(out) == "-":
        if sys.stdout.isatty():
            raise Failure(Exit.USAGE, "sound is not written to a terminal: redirect it, or name a file")
    elif out.exists() or out.is_symlink():
        raise Failure(Exit.USAGE, f"{out} is there already and is not overwritten")


def _write(out: Path, data: bytes) -> None:
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Failure(Exit.FAILED, f"{out} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        out.unlink(missing_ok=True)
        raise Failure(Exit.FAILED, f"{out} cannot be written: {error.strerror}") from None
