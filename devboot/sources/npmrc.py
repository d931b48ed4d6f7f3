"""Reads npm's configuration (registry, logins, proxies) by npm's own rules; npm need not be installed."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from devboot.clone_reader import read_text
from devboot.record import Record
from devboot.sources.transfers.network import Network, Proxy, split_hosts

_VARIABLE = re.compile(r"(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}")
_PREFIX = "npm_config_"
_GLOBAL_FILES = ("/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc")


class Setting(Record):
    """A configured value, and the file or variable that it comes from."""

    value: str
    said_by: str


class NpmConfig(Record):
    """All settings of npm by name; if several places set one, that of npm's precedence counts."""

    settings: Mapping[str, Setting]

    def registry(self, package: str) -> Setting | None:
        """Return the registry configured for a package: its scope's, else the general one; None if none is set."""
        scope = package.partition("/")[0] if package.startswith("@") else ""
        found = self.settings.get(f"{scope}:registry") if scope else None
        return found or self.settings.get("registry")

    def authorization(self, url: str) -> str:
        """Return the authorization header for a URL: the login for its longest path prefix; "" if there is none."""
        parts = urlsplit(url)
        path = f"//{parts.netloc.rpartition('@')[2]}{parts.path}"
        while path != "//":
            found = self._login(path if path.endswith("/") else path + "/") or self._login(path)
            if found:
                return found
            path = path.rstrip("/").rpartition("/")[0] + "/"
        return ""

    def network(self, network: Network) -> Network:
        """Return the user's network settings, with those of npm taking precedence."""
        proxies = dict(network.proxies)
        for scheme, names in (("https", ("https-proxy", "proxy")), ("http", ("proxy",))):
            setting = next((self.settings[name] for name in names if self._value(name)), None)
            if setting is not None:
                proxies[scheme] = Proxy(setting.value, setting.said_by)
        excepted = self._value("noproxy")
        file = self.settings.get("cafile")
        return network._replace(
            proxies=proxies,
            no_proxy=split_hosts(excepted) if excepted else network.no_proxy,
            certificates=file.value if file and self._value("cafile") else network.certificates,
            certificates_said_by=file.said_by if file and self._value("cafile") else network.certificates_said_by,
            is_verified=network.is_verified and self._value("strict-ssl") != "false",
        )

    def _value(self, name: str) -> str:
        setting = self.settings.get(name)
        return "" if setting is None or setting.value in ("null", "undefined") else setting.value

    def _login(self, path: str) -> str:
        if token := self._value(f"{path}:_authToken"):
            return f"Bearer {token}"
        if both := self._value(f"{path}:_auth"):
            return f"Basic {both}"
        user, password = self._value(f"{path}:username"), self._value(f"{path}:_password")
        if not (user and password):
            return ""
        try:
            plain = b64decode(password, validate=True)
        except ValueError:
            return ""
        return "Basic " + b64encode(f"{user}:".encode() + plain).decode()


def load_npm_config(environ: Mapping[str, str], root: str) -> NpmConfig:
    """Read the configuration files that npm reads for the project at `root`; unreadable files are ignored."""
    settings: dict[str, Setting] = {}
    for path in npmrc_files(environ, root):
        try:
            text = read_text(path, errors="strict")
        except (OSError, UnicodeDecodeError):
            continue
        settings.update({name: Setting(value, f"`{path}`") for name, value in parse_npmrc(text, environ).items()})
    for name, value in environ.items():
        key = _key_of(name)
        if key and value:
            settings[key] = Setting(value, f"`{name}`")
    return NpmConfig(settings)


def npmrc_files(environ: Mapping[str, str], root: str) -> Iterator[str]:
    """Yield the paths of npm's configuration files, later ones taking precedence; they may not exist."""
    told = {name.lower(): value for name, value in environ.items() if name.lower().startswith(_PREFIX)}
    prefix = environ.get("PREFIX", "")
    if told.get(f"{_PREFIX}globalconfig"):
        yield told[f"{_PREFIX}globalconfig"]
    else:
        yield from reversed(_GLOBAL_FILES)
        if prefix:
            yield os.path.join(prefix, "etc", "npmrc")
    home = environ.get("HOME", "")
    user = told.get(f"{_PREFIX}userconfig") or (os.path.join(home, ".npmrc") if home else "")
    if user:
        yield user
    if os.path.join(root, ".npmrc") != user:
        yield os.path.join(root, ".npmrc")


def parse_npmrc(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Parse the text of an npmrc: `key = value` lines, with `${VARIABLE}` replaced if it is set."""
    found = {}
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in ";#[":
            continue
        key, equals, value = line.partition("=")
        key, value = _plain(key), _plain(value) if equals else "true"
        if key and not key.endswith("[]"):
            found[_expanded(key, environ)] = _expanded(value, environ)
    return found


def _key_of(variable: str) -> str:
    """Return the npm setting that an environment variable (`npm_config_…`) sets, "" for other variables.

    The name of a login keeps its case and underscores.
    """
    if not variable.lower().startswith(_PREFIX):
        return ""
    name = variable[len(_PREFIX) :]
    if name.startswith("//") or ":" in name:
        return name
    return name[:1] + name[1:].replace("_", "-").lower() if name.startswith("_") else name.replace("_", "-").lower()


def _plain(word: str) -> str:
    word = word.strip()
    if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"":
        return word[1:-1]
    return re.split(r"\s[;#]", word, maxsplit=1)[0].strip()


def _expanded(text: str, environ: Mapping[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        if len(match[1]) % 2:
            return match[0]
        return match[1] + environ.get(match[2], "" if match[3] else match[0][len(match[1]) :])

    return _VARIABLE.sub(one, text)
