"""Proxies, logins and addresses as the user configured them."""

import socket

import pytest

from devboot.errors import NetworkError
from devboot.sources.transfers.http import reason
from devboot.sources.transfers.network import (
    Login,
    Network,
    Proxy,
    bare_url,
    host_of,
    login_for,
    network_of,
    origin,
    proxy_for,
    shown_url,
)

URL = "https://files.example.test/x"


def chosen(environ, url=URL):
    found = proxy_for(network_of(environ), url)
    return found and (found.url, found.said_by)


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p.example.test:3128"}, ("http://p.example.test:3128", "HTTPS_PROXY")),
        ({"HTTP_PROXY": "http://p.example.test"}, None),
        ({"https_proxy": "p.example.test:1", "HTTPS_PROXY": "http://q"}, ("http://p.example.test:1", "https_proxy")),
        ({"ALL_PROXY": "http://p"}, ("http://p", "ALL_PROXY")),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "example.test"}, None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": ".example.test"}, None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "*"}, None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "ample.test"}, ("http://p", "ALL_PROXY")),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "example.test:80"}, ("http://p", "ALL_PROXY")),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a.test, example.test:443"}, None),
    ],
)
def test_a_proxy_is_chosen_as_curl_does(environ, proxy):
    assert chosen(environ) == proxy


def test_addresses_are_excepted_by_network():
    environ = {"HTTP_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}

    assert chosen(environ, "http://10.1.2.3/x") is None
    assert chosen(environ, "http://11.1.2.3/x") == ("http://p", "HTTP_PROXY")
    assert chosen({**environ, "REQUEST_METHOD": "GET"}, "http://11.1.2.3/x") is None


@pytest.mark.faults(11)
@pytest.mark.parametrize("url", ["socks5://p:1", "http://", "http://p:port"])
def test_what_cannot_be_a_proxy_is_refused(url):
    with pytest.raises(NetworkError, match="network/proxy"):
        proxy_for(Network({"https": Proxy(url, "HTTPS_PROXY")}), URL)


def test_logins_come_from_the_address_or_the_netrc_file(tmp_path):
    (tmp_path / ".netrc").write_text("machine files.example.test login me password secret\nmachine b.test login x\n")
    network = network_of({"HOME": str(tmp_path)})

    assert login_for(network, URL) == Login("me", "secret")
    assert login_for(network, "https://you:other@files.example.test/x") == Login("you", "other")
    assert login_for(network, "https://you%40home:a%2Fb@files.example.test/x") == Login("you@home", "a/b")
    assert login_for(network, "https://elsewhere.example.test/x") is None
    assert login_for(network_of({}), URL) is None
    (tmp_path / ".netrc").write_text("machine files.example.test login\n")
    assert login_for(network, URL) is None


@pytest.mark.faults(67)
def test_no_secret_of_an_address_is_shown():
    url = "https://me:secret@files.example.test:8443/a/b?token=secret#c"

    assert shown_url(url) == "https://***@files.example.test:8443/a/b?***"
    assert bare_url(url) == "https://files.example.test:8443/a/b?token=secret#c"
    assert shown_url("http://[") == "***"


def test_credentials_belong_to_scheme_host_and_port():
    assert origin("https://A.test/x") == origin("https://a.test:443/y")
    assert origin("https://a.test") != origin("http://a.test")
    assert host_of("https://a.test:443/") == "a.test"
    assert host_of("http://a.test:8080/") == "a.test:8080"


def test_timeouts_are_those_of_uv():
    assert network_of({"UV_HTTP_TIMEOUT": "120"}).read_seconds == 120.0
    assert network_of({"UV_HTTP_TIMEOUT": "soon"}).read_seconds == 30.0


@pytest.mark.faults(1)
@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "its name can't be resolved"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (ConnectionResetError(104, "reset"), "connection reset"),
        (OSError(101, "Network is unreachable"), "network is unreachable"),
        (ValueError("Odd"), "odd"),
    ],
)
def test_the_last_cause_is_said_in_plain_words(cause, words):
    outer = RuntimeError("layer")
    outer.__cause__ = cause
    assert words == reason(outer if not isinstance(cause, ValueError) else cause)
