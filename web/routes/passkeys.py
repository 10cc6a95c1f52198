"""GET, POST, DELETE me/passkeys, POST me/passkeys/start: by what device I come in without my passphrase."""

from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from bridge.store.passkeys import Passkey
from web.answers import ApiError, hex_id, not_found, to_b64, utc
from web.asked import NewPasskey, Proof
from web.auth import Who, guesses, spend
from web.house import From, Here, House
from web.told import Done, PasskeyOptions, PasskeyOut, PasskeysOut
from web.webauthn import ALGORITHMS, Site


def site_of(house: House) -> Site:
    """Return whose passkeys these are. Raises ApiError 409 where there can be none."""
    site = Site.of(house.settings.public_url)
    if site is None:
        raise ApiError(409, "no passkeys", "Passkeys need an address with a name; this server has a number.")
    return site


async def mine(who: Who, house: Here) -> PasskeysOut:
    """Return the passkeys of the asking user."""
    return PasskeysOut(passkeys=[_out(each) for each in house.store.passkeys.of_user(who.user.id)])


async def start(asked: Proof, who: Who, house: Here, origin: From) -> PasskeyOptions:
    """Return what the browser makes a credential of. 403 for a wrong secret, which counts as at the login:
    a page that was left open must not be enough to come back for ever."""
    site = site_of(house)
    tries = guesses(who.user.name, origin)
    spend(house, tries)
    if not house.store.users.shows_secret(who.user.id, asked.auth):
        raise ApiError(403, "wrong secret", "That is not your passphrase or recovery code.")
    for kind, key in tries:
        house.limits.give_back(kind, key)
    ceremony, challenge = house.ceremonies.begin("add", who.token, house.clock())
    return PasskeyOptions(
        ceremony=ceremony,
        challenge=to_b64(challenge),
        rp_id=site.rp_id,
        algorithms=list(ALGORITHMS),
        known=[to_b64(each.credential_id) for each in house.store.passkeys.of_user(who.user.id)],
    )


async def add(asked: NewPasskey, who: Who, house: Here) -> PasskeyOut:
    """Keep a credential with its keyslot. What the credential's own secret is, this server never hears."""
    site = site_of(house)
    challenge = house.ceremonies.take("add", asked.ceremony, who.token, house.clock())
    if challenge is None:
        raise ApiError(422, "passkey", "That took too long. Please begin again.")
    try:
        made = site.register(challenge, asked.client_data, asked.attestation)
        kept = await run_in_threadpool(
            house.store.passkeys.add,
            who.user.id,
            credential_id=made.id,
            public_key=made.key,
            counter=made.counter,
            name=asked.name,
            slot=asked.slot,
        )
    except Refused as refused:
        raise ApiError(422, refused.word, refused.user) from None
    return _out(kept)


async def remove(passkey_id: str, who: Who, house: Here) -> Done:
    """Remove a passkey: it logs in no more, and its keyslot is gone."""
    if not await run_in_threadpool(house.store.passkeys.remove, who.user.id, hex_id(passkey_id)):
        raise not_found()
    return Done()


def _out(passkey: Passkey) -> PasskeyOut:
    return PasskeyOut(
        id=passkey.id.hex(),
        credential_id=to_b64(passkey.credential_id),
        name=passkey.name,
        added_at=utc(passkey.added_at),
        used_at=utc(passkey.used_at) if passkey.used_at is not None else None,
    )
