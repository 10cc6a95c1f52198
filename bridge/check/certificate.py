"""Looks at the inbox's certificate and key."""

from pathlib import Path

from cryptography import x509

from bridge.check.facts import Certificate
from bridge.errors import SettingError
from bridge.webdoor import tls_context


def look(chain: Path, key: Path) -> Certificate:
    """Return what there is to say of the two PEM files of the settings."""
    try:
        tls_context(chain, key)
        own = x509.load_pem_x509_certificates(chain.read_bytes())[0]
        names = _names(own)
    except SettingError as error:
        return Certificate(str(error))
    except (OSError, ValueError):
        return Certificate(f"AFTERTONE_TLS_CERT {chain} is damaged")
    return Certificate("", names, own.not_valid_before_utc, own.not_valid_after_utc)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return what browsers compare with: the alternative names, never the subject (RFC 9525)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    hosts = found.get_values_for_type(x509.DNSName)
    addresses = found.get_values_for_type(x509.IPAddress)
    return tuple(name.lower() for name in [*hosts, *map(str, addresses)])
