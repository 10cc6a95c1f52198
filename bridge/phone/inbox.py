"""Asking an inbox on this machine whether it is there."""

import urllib.error
import urllib.request


def is_ready(host: str, port: int) -> bool:
    """Say whether the bridge whose inbox listens here takes calls by now."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
