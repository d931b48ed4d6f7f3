"""Checks of the settings for downloads: proxy, certificates, offline mode. Nothing is sent to other machines.

Whether a server answers is found by the command that fetches from it; these checks find its usual causes.
"""

from __future__ import annotations

import ipaddress
import os
import socket

from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.errors import NetworkError, shell_word
from devboot.uv.settings.environ import is_offline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.sources.transfers.network import Network, Proxy

# Without one of them nothing is imported for a check
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
_CERTIFICATES = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR"})
_ANY = "https://packages.invalid/"  # stands for every host without a rule of its own
_PATIENCE = 1.0  # seconds for a connection to a proxy on this machine


def proxy(subject: Subject) -> Answer:
    """Check that the configured proxy is usable, and report it without password.

    A local one must accept connections.
    """
    if not _PROXIES & subject.environ.keys():
        return Answer(("no proxy",))
    from devboot.sources.transfers.network import host_of, network_of, proxy_for

    try:
        found = proxy_for(network_of(subject.environ), _ANY)
    except NetworkError as error:
        return Answer(findings=(_unusable(error),))
    if found is None:
        return Answer(("no proxy",))
    if _is_here(found) and not _accepts(found):
        return Answer(findings=(_silent(found),))
    return Answer((f"proxy {host_of(found.url)} of {found.said_by}",))


def certificates(subject: Subject) -> Answer:
    """Check that the variable for certificates (`SSL_CERT_FILE` and the like) names a readable file or folder."""
    if not _CERTIFICATES & subject.environ.keys():
        return Answer()
    from devboot.sources.transfers.network import network_of

    network = network_of(subject.environ)
    path = network.certificates
    if not path:
        return Answer()
    if os.access(path, os.R_OK) and (os.path.isdir(path) or os.path.getsize(path)):
        return Answer((f"certificates of {network.certificates_said_by}",), details=(path,))
    return Answer(findings=(_no_certificates(network),))


def offline(subject: Subject) -> Answer:
    """Report that downloads are switched off."""
    return Answer(("offline",)) if is_offline(subject.environ) else Answer()


def _unusable(error: NetworkError) -> Finding:
    why = "every download goes through it and fails"
    return Finding(error.slug, WARNING, error.what, why, Fix(error.help[0], f"or {error.help[1]}"), error.causes)


def _silent(found: Proxy) -> Finding:
    from devboot.sources.transfers.network import host_of

    return Finding(
        "network/proxy",
        WARNING,
        f"nothing listens at {host_of(found.url)}, the proxy that `{found.said_by}` names",
        "every download goes through it and fails",
        Fix(f"unset {found.said_by}", "or start the proxy"),
    )


def _no_certificates(network: Network) -> Finding:
    name, path = network.certificates_said_by, network.certificates
    reason = "can't be read or is empty" if os.path.exists(path) else "isn't there"
    return Finding(
        "network/tls",
        WARNING,
        f"`{name}` doesn't name a file of certificates",
        "no server can be trusted, so every download fails",
        Fix(f"unset {name}", f"or export {name}={shell_word('/path/to/certificates.pem')}"),
        (f"`{path}` {reason}",),
    )


def _is_here(found: Proxy) -> bool:
    host = _place(found)[0]
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _place(found: Proxy) -> tuple[str, int]:
    from devboot.sources.transfers.network import origin

    _, host, port = origin(found.url)
    return host, port


def _accepts(found: Proxy) -> bool:
    try:
        with socket.create_connection(_place(found), timeout=_PATIENCE):
            return True
    except OSError:
        return False


CHECKS = (
    Check("proxy", "network", proxy),
    Check("certificates", "network", certificates),
    Check("offline", "network", offline),
)
