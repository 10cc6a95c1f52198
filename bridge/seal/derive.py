"""What is derived from a note key, and the envelope that carries it (FORMAT.md, "Bytes")."""

import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from bridge.errors import Refused
from bridge.seal import hpke
from bridge.seal.layout import SUITE, Envelope, kid, lp

NOTE_KEY = 32
_BODY = hpke.ENC + NOTE_KEY + 16


def commit_of(note_key: bytes, note_id: bytes, mailbox_id: bytes) -> bytes:
    """Return the 32 bytes that tie all envelopes of a note to one key (GCM alone does not)."""
    return _expand(note_key, b"SN1\x01 commit" + note_id + lp(mailbox_id))


def stream_cipher(note_key: bytes, stream: int, note_id: bytes, mailbox_id: bytes) -> AESGCM:
    """Return the AES-256-GCM of one stream; keep it, since making one costs more than sealing a segment."""
    return AESGCM(_expand(note_key, b"SN1\x01 stream" + bytes([stream]) + note_id + lp(mailbox_id)))


def nonce(index: int, flags: int) -> bytes:
    """Return the nonce of a record: its index as 11 bytes, then its flags."""
    return index.to_bytes(11) + flags.to_bytes(1)


def seal_envelope(note_key: bytes, note_id: bytes, mailbox_id: bytes, public: bytes) -> bytes:
    """Return the 91 bytes of an envelope to ``public``. Raises Refused(``public key``)."""
    name = kid(public)
    body = hpke.seal(public, _envelope_info(note_id, mailbox_id, name), note_key)
    return bytes([SUITE]) + name + lp(body)


def open_envelopes(
    envelopes: tuple[Envelope, ...],
    note_id: bytes,
    mailbox_id: bytes,
    commit: bytes,
    private: bytes,
    public: bytes,
) -> bytes:
    """Return the note key from the first envelope that names ``public``.

    Raises Refused: ``update needed`` (an envelope of another suite, whoever it is for), ``not sealed to
    this key``, ``envelope``, ``commit`` (the key in it is not the one that the head is tied to).
    """
    if any(envelope.suite != SUITE for envelope in envelopes):
        raise Refused("update needed", user="This note needs a newer version of the program.")
    name = kid(public)
    mine = next((envelope for envelope in envelopes if envelope.kid == name), None)
    if mine is None:
        raise Refused("not sealed to this key")
    if len(mine.body) != _BODY:
        raise Refused("envelope")
    note_key = hpke.open(private, _envelope_info(note_id, mailbox_id, name), mine.body)
    if not hmac.compare_digest(commit_of(note_key, note_id, mailbox_id), commit):
        raise Refused("commit")
    return note_key


def _envelope_info(note_id: bytes, mailbox_id: bytes, name: bytes) -> bytes:
    return b"SN1\x01 note key" + bytes([SUITE]) + note_id + lp(mailbox_id) + name


def _expand(note_key: bytes, info: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=32, info=info).derive(note_key)
