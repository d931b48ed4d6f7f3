"""How our own transfers reach a server: certificates, redirects, credentials, proxies."""

import hashlib
import os
from pathlib import Path

import pytest

from devboot.errors import IntegrityError, NetworkError
from tests.fakes.fault_server import CA, FaultServer, Reply, whole_file
from tests.process.sources.conftest import Client
from tests.process.sources.toy import BODY, said, wanted


@pytest.fixture
def secure():
    servers = []

    def start(certificate):
        servers.append(FaultServer(certificate))
        return servers[-1]

    yield start
    for each in servers:
        each.close()


@pytest.mark.faults(11)
def test_a_certificate_authority_of_ones_own_is_believed(tmp_path, secure):
    url = secure("server.pem").on("/toy.tgz", whole_file(BODY))
    client = Client(tmp_path, {"SSL_CERT_FILE": CA})

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY


@pytest.mark.faults(11)
@pytest.mark.parametrize(
    ("certificate", "environ", "cause"),
    [
        ("server.pem", {}, "its certificate isn't trusted: "),
        ("expired.pem", {"SSL_CERT_FILE": CA}, "its certificate isn't trusted: certificate has expired"),
    ],
)
def test_trouble_with_certificates_is_final(certificate, environ, cause, tmp_path, secure):
    server = secure(certificate)
    client = Client(tmp_path, environ)
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(server.on("/toy.tgz", whole_file(BODY))))

    assert caught.value.slug == "network/tls"
    assert caught.value.causes[0].startswith(cause)
    assert caught.value.causes[1] == "not retried: the result would be the same"
    assert server.requests == []
    assert client.retries == []


@pytest.mark.faults(11)
def test_a_variable_that_points_nowhere_is_named(tmp_path, secure):
    client = Client(tmp_path, {"SSL_CERT_FILE": "/nowhere/ca.pem"})
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(secure("server.pem").on("/toy.tgz", whole_file(BODY))))

    assert said(caught) == [
        "network/tls",
        "`SSL_CERT_FILE` doesn't name a file of certificates",
        "`/nowhere/ca.pem` isn't there",
        "unset SSL_CERT_FILE",
        "export SSL_CERT_FILE=/path/to/certificates.pem",
    ]


@pytest.mark.faults(11)
def test_a_proxy_that_cannot_be_one_is_named(tmp_path, server):
    client = Client(tmp_path, {"http_proxy": "gopher://me:secret@proxy.example.test"})
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(server.url("/toy.tgz")))

    assert caught.value.slug == "network/proxy"
    assert caught.value.causes == (
        "it is `gopher://***@proxy.example.test`, which should be http:// or https:// and a host",
    )


@pytest.mark.faults(11)
def test_a_redirect_from_https_to_http_is_refused(tmp_path, secure, server):
    safe = secure("server.pem")
    url = safe.on("/toy.tgz", Reply(status=302, headers={"Location": server.url("/toy.tgz")}))
    server.on("/toy.tgz", whole_file(BODY))
    with pytest.raises(NetworkError) as caught:
        Client(tmp_path, {"SSL_CERT_FILE": CA}).fetch(wanted(url))

    assert caught.value.slug == "network/tls"
    assert "redirects from https to" in caught.value.causes[0]
    assert server.requests == []


@pytest.mark.faults(11)
def test_credentials_are_for_one_host_alone(tmp_path, server):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    other = FaultServer()
    try:
        url = server.on("/toy.tgz", Reply(status=302, headers={"Location": "/moved"}))
        server.on("/moved", Reply(status=302, headers={"Location": other.url("/toy.tgz", "localhost")}))
        other.on("/toy.tgz", whole_file(BODY))
        Client(tmp_path, {"HOME": str(tmp_path)}).fetch(wanted(url))
        given = wanted(server.url("/toy.tgz"), sha256="0" * 64, size=-1, authorization="Bearer t0ken")
        with pytest.raises(IntegrityError):
            Client(tmp_path, {}).fetch(given)
    finally:
        other.close()

    basic = "Basic bWU6czNjcmV0"
    sent = [asked.headers.get("authorization") for asked in server.requests]
    assert sent == [basic, basic, "Bearer t0ken", "Bearer t0ken"]
    assert [asked.headers.get("authorization") for asked in other.requests] == [None, None]


KEYRING = """#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
    "get --mode creds {host} ") printf 'me\\ns3cret\\n' ;;
    "get {host} ann") echo anns ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def keyring(tmp_path, server):
    """Variables with a program that knows two logins for the server, and the file with what it was asked."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/keyring"
    program.write_text(KEYRING.replace("{host}", f"127.0.0.1:{server.port}"))
    program.chmod(0o755)
    asked = tmp_path / "asked"
    asked.touch()
    return {"PATH": f"{tmp_path / 'bin'}:{os.defpath}", "HOME": str(tmp_path), "ASKED": str(asked)}, asked


def sent_to(server):
    return [asked.headers.get("authorization") for asked in server.requests]


def test_a_host_that_refuses_a_stranger_gets_the_login_of_the_keyring_which_is_asked_once(tmp_path, server, keyring):
    environ, asked = keyring
    urls = [server.on(f"/{name}", Reply(status=401), whole_file(BODY)) for name in ("toy.tgz", "other.tgz")]
    client = Client(tmp_path, environ)
    client.fetch(wanted(urls[0]))
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(urls[1], sha256="0" * 64))

    basic = "Basic bWU6czNjcmV0"
    assert [None, basic, basic] == sent_to(server)
    assert caught.value.causes[1] == "a login was sent: yes"
    assert [f"get --mode creds {urls[0]} ", f"get --mode creds 127.0.0.1:{server.port} "] == (
        asked.read_text().splitlines()
    )


def test_the_user_in_an_address_gets_their_own_password_out_of_the_keyring(tmp_path, server, keyring):
    environ, _ = keyring
    url = server.on("/toy.tgz", Reply(status=401), whole_file(BODY))
    Client(tmp_path, environ).fetch(wanted(url.replace("://", "://ann@")))

    assert ["Basic YW5uOg==", "Basic YW5uOmFubnM="] == sent_to(server)


@pytest.mark.parametrize("why", ["not-wanted", "disabled", "netrc", "elsewhere"])
def test_the_keyring_is_left_alone_otherwise(why, tmp_path, server, keyring):
    environ, asked = keyring
    if why == "disabled":
        environ["UV_KEYRING_PROVIDER"] = "disabled"
    if why == "netrc":
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password wrong\n")
    answers = [whole_file(BODY)] if why == "not-wanted" else [Reply(status=401)]
    url = server.on("/toy.tgz", *answers)
    if why == "elsewhere":  # who redirects doesn't decide who is given a login
        url = server.on("/away.tgz", Reply(status=302, headers={"Location": server.url("/toy.tgz", "localhost")}))
    client = Client(tmp_path, environ)
    if why == "not-wanted":
        client.fetch(wanted(url))
    else:
        with pytest.raises(NetworkError):
            client.fetch(wanted(url))

    assert "" == asked.read_text()


def test_redirects_come_to_an_end(client, server):
    url = server.on("/toy.tgz", Reply(status=301, headers={"Location": "/toy.tgz"}))
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(url))

    assert caught.value.causes[0] == "it redirects more than 10 times"
    assert len(server.requests) == 11


def test_a_proxy_is_asked_unless_the_host_is_excepted(tmp_path, server):
    server.on("http://files.example.test/toy.tgz", whole_file(BODY))
    environ = {"http_proxy": f"127.0.0.1:{server.port}", "no_proxy": "localhost, 127.0.0.0/8"}
    Client(tmp_path, environ).fetch(wanted("http://files.example.test/toy.tgz"))
    assert [asked.path for asked in server.requests] == ["http://files.example.test/toy.tgz"]

    other = hashlib.sha256(b"other").hexdigest()
    url = server.on("/other", Reply(b"other"))
    Client(tmp_path, environ).fetch(wanted(url, sha256=other, size=5))
    assert server.requests[1].path == "/other"


@pytest.mark.faults(11)
def test_a_proxy_that_refuses_is_named_and_asked_once(tmp_path, server):
    server.on("files.example.test:443", Reply(status=407))
    client = Client(tmp_path, {"https_proxy": f"http://me:s3cret@127.0.0.1:{server.port}"})
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted("https://files.example.test/toy.tgz"))

    assert caught.value.slug == "network/proxy"
    assert caught.value.what == "could not fetch toy 1.0.0: files.example.test can't be reached through the proxy"
    assert caught.value.causes[0] == "the proxy of `https_proxy` answered 407 Proxy Authentication Required"
    assert "s3cret" not in str(said(caught))
    assert [asked.path for asked in server.requests] == ["files.example.test:443"]
