"""HTTP client for downloads: checks redirects and translates every failure. The only module that imports httpx."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from devboot.errors import NetworkError
from devboot.record import Record
from devboot.sources.transfers.keyring import keyring_login
from devboot.sources.transfers.network import (
    Login,
    Network,
    Proxy,
    bare_url,
    host_of,
    login_for,
    origin,
    proxy_for,
    shown_url,
)

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 10.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_UNAUTHORISED = 401
UNREACHABLE, STALLED, SHORT, RANGE = "unreachable", "stalled", "short", "range"
TLS, STATUS, PROTOCOL, PROXY, BROKEN = "tls", "status", "protocol", "proxy", "broken"


class Failure(Exception):  # noqa: N818  turned into an error where the download is known
    """Raised for a failed attempt: the kind, its cause in plain words, the host; `is_final`: a retry is pointless."""

    def __init__(
        self,
        kind: str,
        cause: str,
        host: str,
        *,
        is_final: bool = False,
        status: int = 0,
        retry_after: str = "",
        has_login: bool = False,
    ) -> None:
        super().__init__(cause)
        self.kind = kind
        self.cause = cause
        self.host = host
        self.is_final = is_final
        self.status = status
        self.retry_after = retry_after
        self.has_login = has_login


class Answer(Record):
    """A response whose body isn't read yet; header names are lower case, `url` is the one after redirects."""

    status: int
    headers: Mapping[str, str]
    url: str
    has_login: bool
    chunks: Callable[[], Iterator[bytes]]


class Http:
    """HTTP client with the proxies, certificates and logins of `network`. `cancel` aborts requests, from any thread."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._trust: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._is_cancelled = False
        self._asking = threading.Lock()
        self._kept: dict[tuple[str, str, int], Login | None] = {}  # the keyring's logins, by origin

    @contextlib.contextmanager
    def get(self, url: str, headers: Mapping[str, str], *, authorization: str = "") -> Iterator[Answer]:
        """Send a GET, follow redirects, yield the response; `authorization` goes only to the host of `url`.

        Raises Failure, and NetworkError if the configuration is at fault (`network/proxy`, `network/tls`).
        """
        with contextlib.ExitStack() as open_things:
            at = url
            for _ in range(_MOST_REDIRECTS + 1):
                is_home = origin(at) == origin(url)
                login = self._authorization(url, authorization) if is_home else ""
                answer = self._ask(open_things, at, _with_login(headers, login))
                other = self._other_login(url, authorization) if is_home and answer.status == _UNAUTHORISED else ""
                if other not in ("", login):
                    open_things.close()
                    answer = self._ask(open_things, at, _with_login(headers, other))
                if answer.status not in _REDIRECTS or "location" not in answer.headers:
                    yield answer
                    return
                open_things.close()
                at = _redirected(at, answer.headers["location"])
            raise Failure(PROTOCOL, f"it redirects more than {_MOST_REDIRECTS} times", host_of(url), is_final=True)

    def cancel(self) -> None:
        """Close every open connection, so that waiting reads fail at once."""
        with self._lock:
            self._is_cancelled = True
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _authorization(self, url: str, given: str) -> str:
        if given:
            return given
        login = self._kept.get(origin(url)) or login_for(self._network, url)
        return _basic(login) if login else ""

    def _other_login(self, url: str, given: str) -> str:
        """Return a login from the keyring, queried once per host, if no other login is `given`."""
        known = login_for(self._network, url)
        if given or (known is not None and known.password):
            return ""
        with self._asking:
            if origin(url) not in self._kept:
                self._kept[origin(url)] = keyring_login(self._network.environ, url, known.user if known else "")
        found = self._kept[origin(url)]
        return _basic(found) if found else ""

    def _ask(self, open_things: contextlib.ExitStack, url: str, headers: Mapping[str, str]) -> Answer:
        import httpx

        proxy, host = proxy_for(self._network, url), host_of(url)
        timeout = httpx.Timeout(self._network.read_seconds, connect=_CONNECT_SECONDS)
        client = open_things.enter_context(
            httpx.Client(
                verify=self._verification(),
                proxy=proxy.url if proxy else None,
                timeout=timeout,
                trust_env=False,
                follow_redirects=False,
                headers={"User-Agent": "devboot", "Accept": "*/*", "Accept-Encoding": "identity"},
            )
        )
        request = client.build_request("GET", bare_url(url), headers=headers, extensions={"trace": self._trace})
        with _translated(host, proxy):
            response = client.send(request, stream=True)
        open_things.callback(response.close)
        found = {name.lower(): value for name, value in response.headers.items()}
        has_login = "Authorization" in headers
        return Answer(response.status_code, found, url, has_login, lambda: _body(response, host, proxy))

    def _trace(self, event: str, facts: Mapping[str, Any]) -> None:
        """Record each connection's socket: closing it is the only way to interrupt a read from another thread."""
        if event == "connection.connect_tcp.complete":
            found = facts["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets = {each for each in self._sockets if each.fileno() >= 0} | {found}
                if self._is_cancelled:
                    found.shutdown(socket.SHUT_RDWR)

    def _verification(self) -> ssl.SSLContext | bool:
        if not self._network.is_verified:
            return False
        with self._lock:
            if self._trust is None:
                self._trust = _trust(self._network)
            return self._trust


def _with_login(headers: Mapping[str, str], login: str) -> dict[str, str]:
    return {**headers, **({"Authorization": login} if login else {})}


def _basic(login: Login) -> str:
    return "Basic " + b64encode(f"{login.user}:{login.password}".encode()).decode()


def _trust(network: Network) -> ssl.SSLContext:
    context = _named(network) if network.certificates else _default()
    # Since 3.13 Python requires extensions that the certificates of many company proxies lack, and that neither uv
    # nor browsers require.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _default() -> ssl.SSLContext:
    """Return a TLS context with the certificates of the system and of Mozilla."""
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


def _named(network: Network) -> ssl.SSLContext:
    """Return a TLS context with only the certificates that the user configured."""
    path, said_by = network.certificates, network.certificates_said_by
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # an SSLError is one, too
        is_there = os.path.exists(path)
        raise NetworkError(
            "network/tls",
            f"`{said_by}` doesn't name a file of certificates",
            causes=[f"`{path}` " + ("holds no certificate that can be read" if is_there else "isn't there")],
            help=[f"unset {said_by}", f"export {said_by}=/path/to/certificates.pem"],
        ) from error


def _redirected(at: str, location: str) -> str:
    try:
        target = urljoin(at, location)
        scheme, _, _ = origin(target)
    except ValueError as error:
        raise Failure(PROTOCOL, f"it redirects to no address: {error}", host_of(at), is_final=True) from error
    if scheme not in ("http", "https"):
        raise Failure(PROTOCOL, f"it redirects to `{shown_url(target)}`", host_of(at), is_final=True)
    if urlsplit(at).scheme == "https" and scheme == "http":
        cause = f"it redirects from https to `{shown_url(target)}`, which anybody on the way can change"
        raise Failure(TLS, cause, host_of(at), is_final=True)
    return target


def _body(response: httpx.Response, host: str, proxy: Proxy | None) -> Iterator[bytes]:
    with _translated(host, proxy):
        # raw: a .tar.gz that a server labels as gzip-encoded must not be decompressed; and in chunks as they arrive,
        # since a larger buffer would be lost when the connection breaks
        yield from response.iter_raw()


@contextlib.contextmanager
def _translated(host: str, proxy: Proxy | None) -> Iterator[None]:
    import httpx

    by = f", through the proxy of `{proxy.said_by}`" if proxy else ""
    try:
        yield
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise Failure(UNREACHABLE, f"no answer within {_CONNECT_SECONDS:.0f} s{by}", host) from error
    except httpx.TimeoutException as error:
        raise Failure(STALLED, f"it stopped sending{by}", host) from error
    except httpx.ProxyError as error:
        named = f"the proxy of `{proxy.said_by}`" if proxy else "the proxy"
        is_final = str(error).startswith("4")  # a login is missing, or the host is forbidden
        raise Failure(PROXY, f"{named} answered {error}", host, is_final=is_final) from error
    except httpx.ConnectError as error:
        raise _connect_failure(error, host, by) from error
    except httpx.RemoteProtocolError as error:
        raise Failure(SHORT, f"the connection ended before the answer did{by}", host) from error
    except (httpx.NetworkError, OSError) as error:
        raise Failure(BROKEN, f"{reason(error)}{by}", host) from error
    except httpx.HTTPError as error:
        raise Failure(PROTOCOL, f"{error}{by}", host, is_final=True) from error
    except httpx.InvalidURL as error:
        raise Failure(PROTOCOL, f"its address can't be used: {error}", host, is_final=True) from error


def _connect_failure(error: Exception, host: str, by: str) -> Failure:
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return Failure(TLS, f"its certificate isn't trusted: {each.verify_message}{by}", host, is_final=True)
        if isinstance(each, ssl.SSLError) and not isinstance(each, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return Failure(TLS, f"no secure connection: {each.reason or each}{by}", host, is_final=True)
    return Failure(UNREACHABLE, reason(error) + by, host)


def reason(error: BaseException) -> str:
    """Return the root cause of an exception in plain words, as `connection refused`."""
    for each in _chain(error):
        if isinstance(each, socket.gaierror):
            return "its name can't be resolved"
        if isinstance(each, ConnectionRefusedError):
            return "connection refused"
        if isinstance(each, ConnectionResetError):
            return "connection reset"
        if isinstance(each, OSError) and each.strerror:
            return each.strerror.lower()
    return str(error).lower() or type(error).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
