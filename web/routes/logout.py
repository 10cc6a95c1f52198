"""POST logout: the session ends here, in its streams, and in the browser."""

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from web.auth import Who, drop_cookie
from web.house import From, Here
from web.told import Done


async def logout(who: Who, house: Here, origin: From, response: Response) -> Done:
    """End the session that asks."""
    await run_in_threadpool(house.store.sessions.close, who.token)
    house.streams.end_session(who.token)
    if who.kind == "cookie":
        drop_cookie(response, origin)
    return Done()
