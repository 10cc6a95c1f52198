"""What is sent for a passkey is hostile: whatever it is, it is taken or refused, and nothing else happens."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import Refused
from tests.web.authenticator import ORIGIN, Authenticator, cbor, client_data, cose, sign
from web.answers import from_b64, to_b64
from web.webauthn import Assertion, Credential, Site

CHALLENGE = bytes(range(32))
CEREMONY = {"ceremony": "x", "challenge": to_b64(CHALLENGE)}
SITE = Site.of(ORIGIN)
DEVICE = Authenticator("us_aaaaaaaaaaaaaaaa", counter=1)
KNOWN = Credential(DEVICE.credential_id, cbor(cose(DEVICE.private)), 1)
MADE = DEVICE.made(CEREMONY)
SAID = DEVICE.login(CEREMONY)
assert SITE is not None


@st.composite
def bent(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with a part cut out and another put in."""
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    return whole[:start] + draw(st.binary(max_size=40)) + whole[end:]


def register(client: bytes, attestation: bytes) -> Credential | None:
    assert SITE is not None
    try:
        return SITE.register(CHALLENGE, client, attestation)
    except Refused:
        return None


def confirm(client: bytes, data: bytes, signature: bytes, key: bytes = KNOWN.key) -> int | None:
    assert SITE is not None
    try:
        return SITE.confirm(CHALLENGE, Credential(KNOWN.id, key, 0), Assertion(client, data, signature))
    except Refused:
        return None


def of(body: dict[str, str], *names: str) -> list[bytes]:
    return [from_b64(body[name]) for name in names]


def test_what_is_right_is_taken() -> None:
    assert register(*of(MADE, "client_data", "attestation")) == KNOWN
    assert confirm(*of(SAID, "client_data", "authenticator_data", "signature")) == 1


@pytest.mark.thorough
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_nothing_that_was_altered_logs_in(data: st.DataObject) -> None:
    right = of(SAID, "client_data", "authenticator_data", "signature")
    at = data.draw(st.integers(0, 2))
    wrong = list(right)
    wrong[at] = data.draw(st.one_of(bent(right[at]), st.binary(max_size=300)))
    if wrong != right:
        assert confirm(*wrong) is None


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["type", "challenge", "origin", "crossOrigin"]), JSON)
def test_no_other_type_in_the_client_data_passes(name: str, value: Any) -> None:
    """Signed by the right key, so that nothing but the check of this field stands before it."""
    (data,) = of(SAID, "authenticator_data")
    told = json.loads(client_data("get", CEREMONY["challenge"]))
    said = json.dumps(told | {name: value}).encode()
    signature = sign(DEVICE.private, data + hashlib.sha256(said).digest())
    right = name == "crossOrigin" and not value
    assert (confirm(said, data, signature) is not None) is right


@pytest.mark.thorough
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_registered_is_whole_or_refused(data: st.DataObject) -> None:
    client, attestation = of(MADE, "client_data", "attestation")
    made = register(client, data.draw(st.one_of(bent(attestation), st.binary(max_size=300))))
    if made is not None:
        assert 0 < len(made.id) <= 1023
        said = of(SAID, "client_data", "authenticator_data", "signature")
        assert confirm(*said, key=made.key) in (1, None)  # type: ignore[misc]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_key_that_is_none_opens_a_door(key: bytes) -> None:
    said = of(SAID, "client_data", "authenticator_data", "signature")
    assert confirm(*said, key=key) is None  # type: ignore[misc]
