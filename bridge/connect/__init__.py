"""Telephone connectors. Another one costs one file and one line here."""

from bridge.connect.asterisk import AsteriskConnector

__all__ = ["AsteriskConnector"]
