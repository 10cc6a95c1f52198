"""What is kept: SQLite rows, sealed blobs, and the server secret beside them."""

from bridge.store.recording import Recording
from bridge.store.recover import Recovered
from bridge.store.rows import NoteRow, Row
from bridge.store.store import Store, open_store

__all__ = ["NoteRow", "Recording", "Recovered", "Row", "Store", "open_store"]
