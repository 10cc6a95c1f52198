"""The key holder's side of the HTTP API: a member who is a program reads his notes with a key file.

Every command prints what a person needs to standard error, data to standard output, and returns an exit code:

    0  done
    1  failed here (a file cannot be written, the server refused for a reason it gives)
    2  usage: the key file or an argument cannot be used
    3  not allowed: the server does not let this key in, or not do that
    4  not found
    5  cannot be opened, or damaged
    6  server away: not reached, not trusted, or in trouble itself

The first use claims mailboxes that nobody has claimed and gives older notes their new envelopes; interrupted,
it goes on at the next use.
"""

from bridge.keyholder.add import add
from bridge.keyholder.approve import approve
from bridge.keyholder.listing import notes
from bridge.keyholder.members import members
from bridge.keyholder.nextkey import new_key
from bridge.keyholder.remove import remove
from bridge.keyholder.sound import open_note

__all__ = ["add", "approve", "members", "new_key", "notes", "open_note", "remove"]
