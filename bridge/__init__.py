"""Aftertone's bridge: takes over an unanswered call, records it sealed, files it with its missed call."""
