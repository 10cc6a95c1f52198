"""The PBX's AstDB as a channel's AGI shows it, for tests without a PBX."""

import re

from bridge.connect.journal import FAMILY
from bridge.errors import BadFrame
from bridge.wire.agi import Reply

_KEYS = re.compile(rb'GET FULL VARIABLE "\$\{FILTER\(\\\\x20-\\\\x7e,\$\{DB_KEYS\(([^()]+)\)\}\)\}"\n')
_GET = re.compile(rb'GET FULL VARIABLE "\$\{FILTER\(\\\\x20-\\\\x7e,\$\{DB\(([^()]+)\)\}\)\}"\n')
_DEL = re.compile(rb'DATABASE DEL "([^"/]+)" "([^"]+)"\n')


class AstDb:
    """``entries`` by their path below the family, ``07/pbx-1.07``. ``breaks_at``: the command, counted from
    now, at which the connection ends."""

    def __init__(self, **entries: str) -> None:
        self.entries = dict(entries)
        self.asked = 0
        self.breaks_at = -1

    def keep(self, linkedid: str, entry: str) -> None:
        """Do what the dialplan's ``journal`` does."""
        self.entries[f"{linkedid[-2:].strip('.')}/{linkedid}"] = entry

    async def ask(self, command: bytes) -> Reply:
        self.asked += 1
        if self.asked == self.breaks_at:
            raise BadFrame("the connection ended before the answer was taken")
        if found := _KEYS.fullmatch(command):
            return Reply(200, 1, clean(",".join(self._below(found[1].decode()))))
        if found := _GET.fullmatch(command):
            return Reply(200, 1, clean(self.entries.get(found[1].decode().removeprefix(f"{FAMILY}/"), "")))
        found = _DEL.fullmatch(command)
        assert found is not None, command
        assert found[1].decode() == FAMILY
        return Reply(200, int(self.entries.pop(found[2].decode(), None) is not None))

    def _below(self, prefix: str) -> list[str]:
        whole = [f"{FAMILY}/{path}" for path in self.entries]
        return sorted(
            {path.removeprefix(f"{prefix}/").split("/")[0] for path in whole if path.startswith(f"{prefix}/")}
        )


def clean(text: str) -> str:
    """Return what FILTER leaves."""
    return re.sub(r"[^\x20-\x7e]", "", text)
