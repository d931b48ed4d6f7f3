"""`doctor --online`: each source is asked once, with proxy, certificates and logins, and none is shown."""

import os
import socket
from contextlib import closing

import pytest

from devboot.doctor.checks.surroundings import reach
from tests.fakes.fault_server import CA, CERTIFICATES, FaultServer, Reply

SECRET = "s3cret-of-ada"


@pytest.fixture
def server():
    with closing(FaultServer()) as server:
        yield server


def closed_address():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def ask(subject, tmp_path):
    """What is found of some addresses, with these variables."""

    def ask(*urls, **environ):
        variables = {"PATH": os.defpath, "HOME": str(tmp_path), **environ}
        answer = reach.sources(subject(environ=variables, sources=lambda: urls))
        assert SECRET not in repr(answer)
        return answer

    return ask


def slugs(answer):
    return [each.slug for each in answer.findings]


@pytest.mark.parametrize("status", [200, 404])
def test_a_source_that_answers_is_a_fact(status, ask, server):
    answer = ask(server.on("/simple/pip/", Reply(status=status)), server.on("/other/", Reply()))

    assert (("2 sources answering",), ()) == (answer.facts, answer.findings)
    assert 2 == len(server.requests)


@pytest.mark.parametrize(
    ("status", "netrc", "words"),
    [
        (401, "", "requires a login, and none is configured"),
        (401, f"machine 127.0.0.1 login ada password {SECRET}\n", "refuses the login that is configured for it"),
        (403, f"machine 127.0.0.1 login ada password {SECRET}\n", "refuses the login that is configured for it"),
        (503, "", "answers with status 503"),
    ],
)
def test_a_source_that_refuses_is_found_without_showing_the_login(status, netrc, words, ask, server, tmp_path):
    (tmp_path / ".netrc").write_text(netrc)

    (finding,) = ask(server.on("/simple/", Reply(status=status))).findings

    assert f"network/http-{status}" == finding.slug
    assert finding.what.endswith(words)


def test_a_login_in_the_address_is_sent_and_not_shown(ask, server):
    url = server.on("/simple/", lambda asked: Reply(status=200 if "authorization" in asked.headers else 401))
    assert [] == slugs(ask(url.replace("://", f"://ada:{SECRET}@")))


def test_a_source_where_nothing_listens_is_found(ask):
    (finding,) = ask(f"{closed_address()}/simple/").findings
    assert "network/unreachable" == finding.slug


def test_a_source_that_never_answers_is_waited_for_a_few_seconds_only(ask, server, monkeypatch):
    slow = server.on("/simple/", Reply(b"x" * 10, stall_after=0))
    assert [] == slugs(ask(slow))  # its head is enough
    monkeypatch.setattr(reach, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask(f"http://127.0.0.1:{silent.getsockname()[1]}/", f"http://127.0.0.1:{silent.getsockname()[1]}/2")

    assert ["network/unreachable"] * 2 == slugs(answer)


def test_the_proxy_is_used_and_named(ask, server):
    server.on("http://packages.invalid/simple/", Reply())
    assert () == ask("http://packages.invalid/simple/", http_proxy=server.url("")).findings

    (finding,) = ask("http://packages.invalid/simple/", http_proxy=closed_address()).findings

    assert ("network/unreachable", ("connection refused, through the proxy of `http_proxy`",)) == (
        finding.slug,
        finding.evidence,
    )


def test_certificates_count_as_for_downloads(ask):
    with closing(FaultServer(str(CERTIFICATES / "server.pem"))) as server:
        url = server.on("/simple/", Reply())
        assert ["network/tls"] == slugs(ask(url))
        assert [] == slugs(ask(url, SSL_CERT_FILE=CA))
        assert ["network/tls"] == slugs(ask(url, SSL_CERT_FILE="/nowhere/ca.pem"))


def test_nothing_is_sent_without_the_flag_or_offline(subject, ask, server):
    url = server.on("/simple/", Reply())

    assert reach.Answer() == reach.sources(subject())
    assert reach.Answer() == ask(url, DEVBOOT_OFFLINE="1")
    assert [] == server.requests
