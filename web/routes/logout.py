"""POST logout: the session ends here, in its streams, and in the browser."""

from fastapi import Response

from web.auth import Who, drop_cookie
from web.house import From, Here
from web.told import Done


async def logout(who: Who, house: Here, origin: From, response: Response) -> Done:
    """End the session that asks."""
    house.store.sessions.close(who.token)
    house.streams.end_session(who.token)
    if who.kind == "cookie":
        drop_cookie(response, origin)
    return Done()
