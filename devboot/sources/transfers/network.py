"""Reads the user's network settings (proxies, certificates, logins) from variables and files."""

from __future__ import annotations

import ipaddress
import netrc
import os
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from devboot.errors import NetworkError
from devboot.record import Record

_PORTS = {"http": 80, "https": 443}
_PROXY_SCHEMES = ("http", "https")
_SHORTEST_SECONDS = 1.0


class Proxy(Record):
    """A proxy, and the setting that it comes from."""

    url: str
    said_by: str


class Network(Record):
    """The user's network settings.

    `proxies` are by the scheme of the requested url; `certificates` is a file or a folder, "" for the default;
    `read_seconds` is the read timeout; `netrc` is the file with logins; `environ` has the variables for programs
    that provide logins.
    """

    proxies: Mapping[str, Proxy] = {}
    no_proxy: tuple[str, ...] = ()
    certificates: str = ""
    certificates_said_by: str = ""
    is_verified: bool = True
    netrc: str = ""
    read_seconds: float = 30.0
    environ: Mapping[str, str] = {}


class Login(Record):
    """A user and a password for one host."""

    user: str
    password: str


def network_of(environ: Mapping[str, str]) -> Network:
    """Return the settings in the environment variables that curl and uv read; lower-case names take precedence."""
    proxies = {}
    for scheme in _PORTS:
        for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
            # in a CGI environment HTTP_PROXY may come from a request header, so it is ignored there
            if environ.get(name) and not (name == "HTTP_PROXY" and "REQUEST_METHOD" in environ):
                proxies[scheme] = Proxy(environ[name], name)
                break
    said_by = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environ.get(name)), "")
    home = environ.get("HOME", "")
    return Network(
        proxies,
        split_hosts(environ.get("no_proxy") or environ.get("NO_PROXY") or ""),
        environ.get(said_by, ""),
        said_by,
        netrc=environ.get("NETRC") or (os.path.join(home, ".netrc") if home else ""),
        read_seconds=_seconds(environ.get("UV_HTTP_TIMEOUT", "")),
        environ=environ,
    )


def split_hosts(text: str) -> tuple[str, ...]:
    """Parse a list of hosts separated by commas or blanks, the form of `no_proxy`."""
    return tuple(word.strip().lower() for word in text.replace(",", " ").split())


def proxy_for(network: Network, url: str) -> Proxy | None:
    """Return the proxy for a url; None for a direct connection. Raises NetworkError `network/proxy`."""
    parts = urlsplit(url)
    proxy = network.proxies.get(parts.scheme)
    if proxy is None or _is_direct(network.no_proxy, parts):
        return None
    url = proxy.url if "://" in proxy.url else f"http://{proxy.url}"
    try:
        whole = urlsplit(url)
        is_usable = whole.scheme in _PROXY_SCHEMES and bool(whole.hostname) and whole.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise NetworkError(
            "network/proxy",
            f"`{proxy.said_by}` doesn't name a proxy that devboot can use",
            causes=[f"it is `{shown_url(url)}`, which should be http:// or https:// and a host"],
            help=[f"export {proxy.said_by}=http://proxy.example.test:3128", f"unset {proxy.said_by}"],
        )
    return Proxy(url, proxy.said_by)


def login_for(network: Network, url: str) -> Login | None:
    """Return the login for a URL: that in the URL itself, else its host's in the netrc file; None for none."""
    parts = urlsplit(url)
    if parts.username:
        return Login(unquote(parts.username), unquote(parts.password or ""))
    if not network.netrc or not parts.hostname:
        return None
    try:
        found = netrc.netrc(network.netrc).authenticators(parts.hostname)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None  # an unreadable netrc file is no reason to fail: curl ignores it, too
    return Login(found[0], found[2] or "") if found and found[0] else None


def origin(url: str) -> tuple[str, str, int]:
    """Return (scheme, host, port) of a URL; credentials are sent to one origin only."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def host_of(url: str) -> str:
    """Return the host of a URL, with the port if it isn't the scheme's default."""
    scheme, host, port = origin(url)
    return host if port == _PORTS.get(scheme) else f"{host}:{port}"


def bare_url(url: str) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def shown_url(url: str) -> str:
    """Return a URL for messages, with passwords and query (signatures, tokens) masked."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    login = "***@" if "@" in parts.netloc else ""
    netloc = login + parts.netloc.rpartition("@")[2]
    return urlunsplit(SplitResult(parts.scheme, netloc, parts.path, "***" if parts.query else "", ""))


def _seconds(text: str) -> float:
    try:
        return max(_SHORTEST_SECONDS, float(text))
    except ValueError:
        return Network().read_seconds


def _is_direct(no_proxy: tuple[str, ...], parts: SplitResult) -> bool:
    host, port = (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
    return any(_matches(rule, host, port) for rule in no_proxy)


def _matches(rule: str, host: str, port: int) -> bool:
    if rule == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        pass  # one of the two isn't an IP address
    name, _, wanted_port = rule.partition(":")
    if wanted_port and wanted_port != str(port):
        return False
    name = name.removeprefix("*").removeprefix(".")
    return host == name or host.endswith(f".{name}")
