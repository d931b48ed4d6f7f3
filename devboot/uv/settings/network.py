"""Finds the environment variable that prevents uv from reaching an index, such as an unusable proxy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from devboot.errors import DevbootError, NetworkError
from devboot.uv.failures import masked

_ABOUT_NETWORK = ("network/unreachable", "network/tls")
_PROXY_ANSWER = re.compile(r"network/http-5\d\d")  # a proxy may have answered for the host
_WARNING = re.compile(r"^warning: (?P<text>.*`(?P<name>SSL_(?:CERT_FILE|CERT_DIR|CLIENT_CERT))`.*)$")
_SCHEME = re.compile(r"\b(?P<scheme>https?)://")
_PROXY = re.compile(
    r"^(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:[^/@]*@)?(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\])(?::\d+)?/*$"
)
_PROXY_SCHEMES = ("", "http", "https", "socks4", "socks4a", "socks5", "socks5h")


def blame_settings(error: DevbootError, lines: Sequence[str], environ: Mapping[str, str]) -> DevbootError:
    """Return a network error that names the variable at fault; return any other error unchanged.

    Args:
        error: the translated error of a failed uv call.
        lines: uv's stderr.
        environ: the variables of that call.

    """
    if error.slug not in _ABOUT_NETWORK and not _PROXY_ANSWER.fullmatch(error.slug):
        return error
    for line in lines:
        if match := _WARNING.match(line):
            return _no_certificates(match["name"], masked(match["text"]), error)
    name = _proxy_variable("\n".join(lines), environ)
    return error if not name else _by_proxy(name, environ[name], "\n".join(lines), error)


def _proxy_variable(said: str, environ: Mapping[str, str]) -> str:
    """Return the variable with the proxy for the unreachable URL in uv's message; "" if there is none."""
    match = _SCHEME.search(said)
    scheme = match["scheme"] if match else "https"
    names = (f"{scheme.upper()}_PROXY", f"{scheme}_proxy", "ALL_PROXY", "all_proxy")
    return next((name for name in names if environ.get(name)), "")


def _by_proxy(name: str, value: str, said: str, error: DevbootError) -> DevbootError:
    match = _PROXY.match(value)
    if match is None or (match["scheme"] or "") not in _PROXY_SCHEMES:
        return _of_proxy(
            f"`{name}` is not a proxy that uv can use",
            [f"it is `{masked(value)}`, so uv doesn't use a proxy", *error.causes],
            name,
        )
    if "proxy authorization required" in said or "407 Proxy Authentication" in said:
        return _of_proxy(f"the proxy in `{name}` requires a login", error.causes, name)
    if "tunnel error" in said or "proxy" in said.lower():
        return _of_proxy(f"the proxy in `{name}` can't be reached", [f"it is `{masked(value)}`", *error.causes], name)
    error.causes = (*error.causes, f"through the proxy in `{name}`, `{masked(value)}`")
    return error


def _of_proxy(what: str, causes: Sequence[str], name: str) -> NetworkError:
    helps = [f"export {name}=http://proxy.example.test:3128", f"unset {name}   # where no proxy is needed"]
    return NetworkError("network/proxy", what, causes=causes, help=helps)


def _no_certificates(name: str, text: str, error: DevbootError) -> NetworkError:
    return NetworkError(
        "network/tls",
        f"`{name}` doesn't point to usable certificates",
        causes=[text, *error.causes],
        help=[f"export {name}=/path/to/your/certificates.pem", f"unset {name}"],
    )
