"""POST login/challenge and login/answer: by key file, for members who are programs."""

import re

from starlette.concurrency import run_in_threadpool

from bridge.seal.curve import new_keypair
from bridge.seal.keys import login_challenge
from web.answers import ApiError, to_b64, utc
from web.asked import ChallengeAnswer, ChallengeStart
from web.auth import OwnPage, spend_address
from web.house import From, Here
from web.told import ChallengeOut, TokenAnswer

_USER_ID = re.compile(r"us_[a-z2-7]{16}")
NOBODY = "us_aaaaaaaaaaaaaaaa"
"""Who is asked in place of an unknown user, with a key that nobody has."""


async def ask(asked: ChallengeStart, house: Here, origin: From, _own: OwnPage) -> ChallengeOut:
    """Return 32 bytes closed for the user's key and PUBLIC_URL; unknown users get the like."""
    spend_address(house, "ask address", origin)
    user = house.store.users.get(asked.user) if _USER_ID.fullmatch(asked.user) else None
    user_id, public = (user.id, user.public) if user is not None else (NOBODY, None)
    if public is None:
        public = new_keypair()[1]
    challenge, answer = login_challenge(public, user_id, house.settings.public_url)
    challenge_id = house.store.challenges.create(user_id, answer)
    return ChallengeOut(challenge_id=challenge_id, challenge=to_b64(challenge))


async def answer(asked: ChallengeAnswer, house: Here, origin: From, _own: OwnPage) -> TokenAnswer:
    """Open a bearer session for the answer, given once and within 60 s."""
    spend_address(house, "login address", origin)
    user_id = house.store.challenges.take(asked.challenge_id, asked.answer)
    if user_id is None:
        raise ApiError(401, "wrong key", "This key does not log in here, or its answer came too late.")
    token, expires = await run_in_threadpool(house.store.sessions.open_until, user_id, "bearer")
    return TokenAnswer(token=token, user_id=user_id, expires_at=utc(expires))
