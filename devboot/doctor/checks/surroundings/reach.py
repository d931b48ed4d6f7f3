"""Checks that the sources of packages answer, with the user's proxy, certificates and logins; by `--online` only.

One request to each, at the same time, and nothing is downloaded. No login is ever shown.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.errors import NetworkError
from devboot.model.printable import counted
from devboot.uv.settings.environ import is_offline

if TYPE_CHECKING:
    from devboot.sources.transfers.http import Failure, Http

PATIENCE = 4.0  # seconds for all requests
_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _ERRORS = 401, 403, 404, 400
_WITHOUT_KEYRING = {"UV_KEYRING_PROVIDER": "disabled"}  # it could ask for a password
_WHY = "packages of this source can't be downloaded"
_REFUSED_LOGIN = "refuses the login that is configured for it"
_NO_LOGIN = "requires a login, and none is configured"
_AGAIN = Fix("devboot doctor network --online", "asks once more")


class _Request(threading.Thread):
    """One request, in a thread of its own: looking up a name can't be interrupted."""

    def __init__(self, http: Http, url: str, host: str) -> None:
        super().__init__(name=f"reach-{host}", daemon=True)
        self._http = http
        self._url = url
        self.host = host
        self.finding: Finding | None = None
        self.has_ended = False

    def run(self) -> None:
        from devboot.sources.transfers.http import Failure

        try:
            with self._http.get(self._url, {}) as answer:
                self.finding = _of_status(answer.status, self.host, has_login=answer.has_login)
        except Failure as failure:
            self.finding = _of_failure(failure)
        except NetworkError as error:
            self.finding = Finding(error.slug, WARNING, error.what, _WHY, Fix(error.help[0]), error.causes)
        self.has_ended = True


def sources(subject: Subject) -> Answer:
    """Send a request to each source that the project's packages are fetched from."""
    if subject.sources is None or is_offline(subject.environ):
        return Answer()
    from devboot.sources.transfers.http import Http
    from devboot.sources.transfers.network import host_of, network_of

    environ = {**subject.environ, **_WITHOUT_KEYRING}
    http = Http(network_of(environ)._replace(read_seconds=PATIENCE))
    requests = [_Request(http, url, host_of(url)) for url in subject.sources()]
    for each in requests:
        each.start()
    deadline = time.monotonic() + PATIENCE
    for each in requests:
        each.join(max(0.0, deadline - time.monotonic()))
    ended = [each for each in requests if each.has_ended]
    late = [_late(each.host) for each in requests if each not in ended]
    http.cancel()
    findings = (*(each.finding for each in ended if each.finding is not None), *late)
    answering = [each.host for each in ended if each.finding is None]
    return Answer((f"{counted(len(answering), 'source')} answering",), findings, tuple(dict.fromkeys(answering)))


def _of_status(status: int, host: str, *, has_login: bool) -> Finding | None:
    if status < _ERRORS or status == _NOT_FOUND:  # some indexes list no packages
        return None
    what, fix = f"answers with status {status}", _AGAIN
    if status in (_UNAUTHORISED, _FORBIDDEN):
        what = _REFUSED_LOGIN if has_login else _NO_LOGIN
        fix = Fix("${EDITOR:-vi} ~/.netrc", f"a line `machine {host.partition(':')[0]} login … password …`")
    return Finding(f"network/http-{status}", WARNING, f"{host} {what}", _WHY, fix)


def _of_failure(failure: Failure) -> Finding:
    from devboot.sources.transfers.http import PROXY, TLS

    slug, command, cost = {
        PROXY: ("network/proxy", "env | grep -i _proxy", "shows which one is set"),
        TLS: ("network/tls", "env | grep SSL_CERT", "shows which certificates count"),
    }.get(failure.kind, ("network/unreachable", "ip route", "shows whether this machine has a way out"))
    return Finding(slug, WARNING, f"{failure.host} can't be reached", _WHY, Fix(command, cost), (failure.cause,))


def _late(host: str) -> Finding:
    return Finding("network/unreachable", WARNING, f"{host} didn't answer within {PATIENCE:g} s", _WHY, _AGAIN)


CHECKS = (Check("sources", "network", sources),)
