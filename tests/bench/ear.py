"""How long a caller waits until he may speak: one real call, listened to until the tone has ended."""

import asyncio

from bridge.errors import Unready
from tests.bench.house import House
from tests.pbx.rtp import Packet
from tests.pbx.sipphone import Call, Phone
from tests.pbx.sound import FRAME, RATE, decode, tone_spans

SILENCE = b"\xff" * FRAME
PATIENCE_S = 25.0
LEAST_TONE_S = 0.25


def seconds_to_speak(house: House, number: str, hertz: float) -> float:
    """Return the seconds from the 200 OK to the end of the tone of ``hertz``.

    Raises Unready when none was heard.
    """
    log = house.log_size()
    waited = asyncio.run(_listen(house, number, hertz))
    # the PBX is done with this call before anything else is measured
    house.received(1, log)
    return waited


async def _listen(house: House, number: str, hertz: float) -> float:
    async with Phone(house.pbx.sip_port, "493000000") as phone:
        call = await phone.call(number)
        await call.until("answered")
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(call.send(SILENCE for _ in range(round(PATIENCE_S * 50))))
            end = await _end_of_tone(call, hertz)
            sending.cancel()
        await call.hang_up()
        return end


async def _end_of_tone(call: Call, hertz: float) -> float:
    assert call.answered_at is not None
    while not (call.rtp.packets and (end := tone_end(call.rtp.packets, hertz, quiet_s=0.4))):
        if asyncio.get_running_loop().time() - call.answered_at > PATIENCE_S:
            raise Unready("no tone was heard")
        await asyncio.sleep(0.2)
    return end - call.answered_at


def tone_end(packets: list[Packet], hertz: float, quiet_s: float) -> float | None:
    """Return when the last packet of a tone had been heard, once nothing of it came for ``quiet_s``."""
    pcm = decode(b"".join(packet.payload.ljust(FRAME, SILENCE[:1])[:FRAME] for packet in packets))
    spans = [span for span in tone_spans(pcm, hertz, share=0.5) if span[1] - span[0] >= LEAST_TONE_S]
    if not spans:
        return None
    last = packets[min(len(packets), round(spans[-1][1] * RATE / FRAME)) - 1].at + FRAME / RATE
    return last if asyncio.get_running_loop().time() - last > quiet_s else None
