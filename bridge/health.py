"""The health check of a container: ``python -m bridge.health`` asks the service whether it is ready.

It reads the service's own settings, so the image needs no curl and no second copy of the address.
"""

import http.client
import os
import ssl
import sys
from contextlib import closing

from bridge import config
from bridge.errors import SettingError

DEADLINE_S = 4.0
"""Below the five seconds that the image gives a check."""

HEALTHY, UNHEALTHY = 0, 1
"""The exit codes that a HEALTHCHECK knows."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with, not listened on
"""Where a service that listens on every address is reached from its own machine."""


def ask(settings: config.Settings) -> tuple[bool, str]:
    """Return whether the service of these settings is ready, and its own words.

    Raises OSError or http.client.HTTPException when it does not answer.
    """
    host, port = EVERYWHERE.get(settings.http.host, settings.http.host), settings.http.port
    with closing(_connection(host, port, tls=settings.tls_cert is not None)) as connection:
        connection.request("GET", "/health", headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        return answer.status == http.client.OK, answer.read(1000).decode(errors="replace").strip()


def _connection(host: str, port: int, *, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=DEADLINE_S)
    context = ssl.create_default_context()
    # The certificate is for the name that browsers use; nothing sent or believed here needs its protection.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=DEADLINE_S, context=context)


def main() -> int:
    """Ask once, print the answer, and return a HEALTHCHECK's exit code."""
    try:
        ready, words = ask(config.load(os.environ))
    except (SettingError, OSError) as error:
        print(f"aftertone: not healthy: {error}", file=sys.stderr)
        return UNHEALTHY
    except http.client.HTTPException:
        print("aftertone: not healthy: what listens there is not the inbox", file=sys.stderr)
        return UNHEALTHY
    print(words)
    return HEALTHY if ready else UNHEALTHY


if __name__ == "__main__":
    sys.exit(main())
