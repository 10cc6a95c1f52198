"""Findings of who may come in, and of what others may hear on the way."""

from datetime import timedelta
from urllib.parse import urlsplit

from bridge.check.facts import Certificate, Facts
from bridge.check.finding import Finding, error, note, ok, warning
from bridge.config import ANYWHERE, Network, insecure, is_loopback

SOON = timedelta(days=14)
"""Let's Encrypt renews a month before the end: two weeks before it, something is wrong."""

WIDE = {4: 16, 6: 48}
"""Networks with shorter prefixes are more than one house has."""


def tls(facts: Facts) -> Finding:
    """The inbox's certificate."""
    found, now = facts.certificate, facts.machine.now
    if found is None:
        return ok("tls", "no certificate is set: a proxy's affair, or this machine's own")
    renew = "renew AFTERTONE_TLS_CERT and restart the service"
    if found.fault or found.begins_at is None or found.ends_at is None:
        return error("tls", found.fault, "set both to a certificate chain (PEM) and its own key")
    if now >= found.ends_at or now < found.begins_at:
        return error(
            "tls", f"the certificate is valid {found.begins_at:%Y-%m-%d} to {found.ends_at:%Y-%m-%d}", renew
        )
    host = urlsplit(facts.settings.public_url).hostname or ""
    if not _is_named(host, found):
        return error(
            "tls",
            f"the certificate is not for {host}, the host of AFTERTONE_PUBLIC_URL",
            "get one with that name, or set AFTERTONE_PUBLIC_URL to a name that it has",
        )
    if now + SOON >= found.ends_at:
        return warning("tls", f"the certificate ends on {found.ends_at:%Y-%m-%d}", renew)
    return ok("tls", f"the certificate is for {host} and valid until {found.ends_at:%Y-%m-%d}")


def _is_named(host: str, certificate: Certificate) -> bool:
    """Say whether a host is one of the certificate's names (RFC 9525: a * stands for one whole label)."""
    parent = host.partition(".")[2]
    return host in certificate.names or (bool(parent) and f"*.{parent}" in certificate.names)


def origin(facts: Facts) -> Finding:
    """Whether browsers open notes at the inbox's address."""
    settings = facts.settings
    doubt = insecure(settings)
    if doubt is not None:
        what, _, do = doubt.partition(". ")
        return error("origin", what, do)
    behind = settings.public_url.startswith("https:") and settings.tls_cert is None
    if behind and not settings.trusted_proxies:
        return warning(
            "origin",
            f"{settings.public_url} is a proxy's, and no proxy is trusted: all visitors look like one",
            "set AFTERTONE_TRUSTED_PROXIES to the proxy's address",
        )
    return ok("origin", f"browsers open notes at {settings.public_url}")


def peers(facts: Facts) -> Finding:
    """Who may say to be the PBX."""
    settings = facts.settings
    beyond = [network for network in settings.peers if not network.is_loopback]
    wide = [str(network) for network in beyond if network.prefixlen < WIDE[network.version]]
    outside = [
        f"AFTERTONE_{name} ({address})"
        for name, address in (("AGI", settings.agi), ("AUDIOSOCKET", settings.audiosocket))
        if not is_loopback(address.host)
    ]
    if not settings.peers:
        return error("peers", "AFTERTONE_PEERS is empty: no PBX may connect", "name the PBX's address in it")
    if wide:
        return error(
            "peers",
            f"AFTERTONE_PEERS lets {', '.join(wide)} pretend to be the PBX",
            "name the PBX's address alone",
        )
    if outside and not beyond:
        return warning(
            "peers",
            f"{' and '.join(outside)} can be reached by other hosts, none of which AFTERTONE_PEERS names",
            "name the PBX in AFTERTONE_PEERS, or listen on 127.0.0.1",
        )
    if beyond and not outside:
        return note(
            "peers",
            f"AFTERTONE_PEERS names {_many(beyond)}, which cannot reach a bridge that listens on loopback",
            "take it out, or set AFTERTONE_AGI and AFTERTONE_AUDIOSOCKET to an address of this machine",
        )
    if beyond:
        return note(
            "peers",
            f"{_many(beyond)} may pretend to be the PBX, and AGI and AudioSocket are not encrypted",
            "have a tunnel (WireGuard, IPsec) between the two hosts",
        )
    return ok("peers", "only this machine may offer calls")


def _many(networks: list[Network]) -> str:
    count = sum(network.num_addresses for network in networks)
    return str(networks[0]) if count == 1 else f"{count} addresses"


def ami_wire(facts: Facts) -> Finding:
    """Whether others may hear what we say to the manager interface."""
    settings = facts.settings
    if not settings.ami_user or settings.ami_tls or is_loopback(settings.ami.host):
        return ok("ami-wire", "nobody on the network can listen to the manager interface")
    return warning(
        "ami-wire",
        f"the manager interface at {settings.ami} is spoken to in the clear",
        "AFTERTONE_AMI_TLS=on, with tlsenable in the PBX's manager.conf (dialplan/README.md)",
    )


def is_elsewhere(facts: Facts) -> bool:
    """Say whether the PBX is on another host, as far as the settings tell."""
    return not is_loopback(facts.settings.ami.host)


def reached_at(facts: Facts) -> str:
    """Return what the PBX's AFTERTONE_AGI should be."""
    agi = facts.settings.agi
    if agi.host in ANYWHERE or _is_unreachable(facts):
        return f"this machine's address as the PBX reaches it, port {agi.port}"
    return str(agi)


def _is_unreachable(facts: Facts) -> bool:
    return is_elsewhere(facts) and is_loopback(facts.settings.agi.host)
