"""Whether the server records, for pages and for monitors."""

from fastapi import Response

from web.auth import Who
from web.house import Here
from web.told import Health, OutboxStatus, Status


async def status(who: Who, house: Here) -> Status:
    """Tell whether callers are recorded, how it stands with the PBX, and the version."""
    outbox = OutboxStatus(failing=house.store.outbox.failing())
    return Status(recording=house.recording(), pbx=house.pbx(), outbox=outbox, version=house.version)


async def health(house: Here, response: Response) -> Health:
    """Answer 200 when ready; ``recording`` false means that only missed calls are filed."""
    ready = house.ready()
    response.status_code = 200 if ready else 503
    return Health(ready=ready, recording=house.recording(), pbx=house.pbx())
