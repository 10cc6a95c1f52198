"""What an authenticator signed: is it for this server, this challenge and this credential (WebAuthn level 3).

The checks are Yubico's (fido2); here stands what this server asks beyond them.
"""

import ipaddress
import logging
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationConveyancePreference,
    AttestationObject,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

from bridge.errors import Refused

ALGORITHMS = (-7, -8, -257)
"""ES256, EdDSA, RS256 (COSE numbers), the dearest wish first: what authenticators have."""

LONGEST_ID = 1023
"""Bytes of a credential id (WebAuthn, section 5.8.3)."""

LONGEST_KEY = 600
"""Bytes of a COSE key: RSA of 4096 bits has 530, and to verify with a far longer one takes long."""

logging.getLogger("fido2").setLevel(logging.WARNING)  # it tells every credential's id


@dataclass(frozen=True, slots=True)
class Credential:
    """``key`` is COSE; ``counter`` as the authenticator last told it."""

    id: bytes
    key: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a browser brings from an authenticator at a login, in WebAuthn's own bytes."""

    client_data: bytes
    authenticator_data: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Site:
    """Whose passkeys: ``rp_id`` is the host name of ``origin``."""

    rp_id: str
    origin: str

    @classmethod
    def of(cls, public_url: str) -> Self | None:
        """Return the site of PUBLIC_URL; None if its host is an address, for which there are no passkeys."""
        host = urlsplit(public_url).hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return cls(host, public_url.lower()) if host else None
        return None

    def register(self, challenge: bytes, client_data: bytes, attestation: bytes) -> Credential:
        """Return the credential that a browser has made. Raises Refused(``passkey``) for every fault alike.

        Who built the authenticator is not asked, so nothing is believed of its attestation.
        """
        try:
            made = RegistrationResponse(
                raw_id=b"",
                response=AuthenticatorAttestationResponse(
                    client_data=CollectedClientData(client_data),
                    attestation_object=AttestationObject(attestation),
                ),
            )
            told = self._server().register_complete(_state(challenge), made)
            data = told.credential_data
            key = cbor.encode(data.public_key) if data is not None else b""
        except Exception:  # the library's parsers raise whatever they fall over
            raise _refused() from None
        _check(made.response.client_data, told)
        if data is None or data.public_key.ALGORITHM not in ALGORITHMS:
            raise _refused()
        if not 0 < len(data.credential_id) <= LONGEST_ID or len(key) > LONGEST_KEY:
            raise _refused()
        return Credential(data.credential_id, key, told.counter)

    def confirm(self, challenge: bytes, credential: Credential, said: Assertion) -> int:
        """Return the authenticator's counter. Raises Refused(``passkey``) for every fault alike.

        Whether the counter has grown is for the store to say, which knows the last one.
        """
        try:
            key = CoseKey.parse(cbor.decode(credential.key))  # type: ignore[arg-type]  # a map: it was one
            asked = AuthenticationResponse(
                raw_id=credential.id,
                response=AuthenticatorAssertionResponse(
                    client_data=CollectedClientData(said.client_data),
                    authenticator_data=AuthenticatorData(said.authenticator_data),
                    signature=said.signature,
                ),
            )
            known = AttestedCredentialData.create(Aaguid.NONE, credential.id, key)
            self._server().authenticate_complete(_state(challenge), [known], asked)
        except Exception:  # as above
            raise _refused() from None
        told = asked.response.authenticator_data
        _check(asked.response.client_data, told)
        return told.counter

    def _server(self) -> Fido2Server:
        return Fido2Server(
            PublicKeyCredentialRpEntity(id=self.rp_id, name="Aftertone"),
            attestation=AttestationConveyancePreference.NONE,
            verify_origin=lambda origin: origin == self.origin,
        )


def _state(challenge: bytes) -> dict[str, Any]:
    return {
        "challenge": websafe_encode(challenge),
        "user_verification": UserVerificationRequirement.REQUIRED,
    }


def _check(client: CollectedClientData, told: AuthenticatorData) -> None:
    """Raise Refused(``passkey``) for a page within another's, and for copies of what cannot be copied."""
    if client.cross_origin or (told.is_backed_up() and not told.is_backup_eligible()):
        raise _refused()


def _refused() -> Refused:
    return Refused("passkey", user="This passkey does not log in here.")
