"""How this user reaches the network: proxies, certificates, logins, as variables and files say it."""

from __future__ import annotations

import ipaddress
import netrc
import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from devboot.errors import NetworkError

_PORTS = {"http": 80, "https": 443}
_PROXY_SCHEMES = ("http", "https")
_SHORTEST_SECONDS = 1.0


class Proxy(NamedTuple):
    """A proxy and the setting that names it."""

    url: str
    said_by: str


class Network(NamedTuple):
    """`proxies` by the scheme of the address that is asked for; `certificates` is a file or a folder, "" for none.

    `read_seconds` is how long nothing may come; `netrc` is the file with logins; `environ` has the variables for
    programs that are asked for one.
    """

    proxies: Mapping[str, Proxy] = {}
    no_proxy: tuple[str, ...] = ()
    certificates: str = ""
    certificates_said_by: str = ""
    is_verified: bool = True
    netrc: str = ""
    read_seconds: float = 30.0
    environ: Mapping[str, str] = {}


class Login(NamedTuple):
    """A user and a password for one host."""

    user: str
    password: str


def network_of(environ: Mapping[str, str]) -> Network:
    """What the variables say, in the spellings that curl and uv take; lower case comes first, as with curl."""
    proxies = {}
    for scheme in _PORTS:
        for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
            # in a server's environment HTTP_PROXY may come out of a request: where there is one, it doesn't count
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
    """The hosts of a list with commas or blanks, as `no_proxy` has them."""
    return tuple(word.strip().lower() for word in text.replace(",", " ").split())


def proxy_for(network: Network, url: str) -> Proxy | None:
    """The proxy for this address. Raises NetworkError `network/proxy` where its own address can't be one."""
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
    """Who to be for this address: as it says itself, else as the netrc file says for its host."""
    parts = urlsplit(url)
    if parts.username:
        return Login(unquote(parts.username), unquote(parts.password or ""))
    if not network.netrc or not parts.hostname:
        return None
    try:
        found = netrc.netrc(network.netrc).authenticators(parts.hostname)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None  # a file that others can't read either is no reason to stop
    return Login(found[0], found[2] or "") if found and found[0] else None


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials are given to."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def host_of(url: str) -> str:
    """Host, and port where it isn't the usual one."""
    scheme, host, port = origin(url)
    return host if port == _PORTS.get(scheme) else f"{host}:{port}"


def bare_url(url: str) -> str:
    """The address without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def shown_url(url: str) -> str:
    """The address as a message may show it: passwords and what follows `?` (signatures, tokens) masked."""
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
        pass  # one of the two is a name
    name, _, wanted_port = rule.partition(":")
    if wanted_port and wanted_port != str(port):
        return False
    name = name.removeprefix("*").removeprefix(".")
    return host == name or host.endswith(f".{name}")
