"""A mailbox with very many rows, put into the database without sealing them."""

from sqlalchemy import insert

from bridge.store.tables import CALL, HEARD, NOTE
from tests.store.house import House, claim, joined


def fill(house: House, count: int, *, unheard: int) -> tuple[str, str]:
    """Put ``count`` rows into mailbox 1001, a note under every other one.

    All notes but those of the oldest ``unheard`` rows with one are heard by its member Anna. Returns mailbox
    and member.
    """
    store = house.store
    anna = joined(store, "Anna", "1001")
    box = store.mailboxes.recipient("1001").mailbox_id
    claim(store, anna, box)
    call = {"mailbox_id": box, "reason": "busy", "sealed": bytes(600), "epoch": 1, "stale": False}
    calls = [call | {"id": n.to_bytes(16), "linkedid": str(n), "received_at": n // 3} for n in range(count)]
    note = {"mailbox_id": box, "state": "kept", "speech": True, "cut_off": False, "size": 9000, "epoch": 1}
    note |= {"stale": False, "commit": bytes(32), "envelopes": b"", "meta": bytes(700), "peaks": bytes(200)}
    notes = [
        note | {"id": (count + n).to_bytes(16), "call_id": n.to_bytes(16), "started_at": n // 3}
        for n in range(0, count, 2)
    ]
    marks = [{"user_id": anna.id, "call_id": n.to_bytes(16)} for n in range(2 * unheard, count)]
    with store._database.write() as connection:
        connection.execute(insert(CALL), calls)
        connection.execute(insert(NOTE), notes)
        connection.execute(insert(HEARD), marks)
    return box, anna.id
