"""What uv's failures come down to where a variable of the caller's is at fault, with the real uv."""

import os
import socket
import sys
import threading

import pytest

from devboot.errors import Exit, NetworkError
from devboot.uv.client import make_uv
from devboot.uv.packages import compile_requirements

INDEX = "https://index.example.test/simple"


@pytest.fixture
def fails(tmp_path):
    """Resolve from an index that nobody can reach, and give the error."""

    def run(**variables):
        environ = {"PATH": os.defpath, "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache")}
        environ |= {"PIP_CONFIG_FILE": os.devnull, "UV_DEFAULT_INDEX": INDEX, "UV_HTTP_RETRIES": "0", **variables}
        with pytest.raises(NetworkError) as caught:
            compile_requirements(
                make_uv(environ, str(tmp_path)), text="ant\n", python=sys.executable, lowest_python="3.11"
            )
        assert Exit.NETWORK == caught.value.exit_code
        return caught.value

    return run


@pytest.fixture
def refusing_proxy():
    """A proxy that asks everybody for a login."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(60)

    def serve():
        while True:
            try:
                with server.accept()[0] as connection:
                    connection.settimeout(60)
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


@pytest.fixture
def closed_port():
    """A port that nobody listens on, and nobody else gets."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.faults(11)
def test_a_file_of_certificates_that_is_not_there(fails):
    error = fails(SSL_CERT_FILE="/nowhere/company.pem")

    assert ("network/tls", "`SSL_CERT_FILE` doesn't point to usable certificates") == (error.slug, error.what)
    assert "/nowhere/company.pem" in error.causes[0]
    assert "unset SSL_CERT_FILE" in error.help


@pytest.mark.faults(11)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_with_a_scheme_that_nobody_knows(fails, name):
    error = fails(**{name: "htp://ann:secret@proxy.example.test:3128"})

    assert ("network/proxy", f"`{name}` is not a proxy that uv can use") == (error.slug, error.what)
    assert "it is `htp://***@proxy.example.test:3128`, so uv doesn't use a proxy" == error.causes[0]


@pytest.mark.faults(1, 11)
def test_a_proxy_that_nobody_answers_for(fails, closed_port):
    error = fails(HTTPS_PROXY=f"http://127.0.0.1:{closed_port}")

    assert ("network/proxy", "the proxy in `HTTPS_PROXY` can't be reached") == (error.slug, error.what)
    assert f"it is `http://127.0.0.1:{closed_port}`" == error.causes[0]


@pytest.mark.faults(3)
def test_a_proxy_that_wants_a_login(fails, refusing_proxy):
    error = fails(HTTPS_PROXY=f"http://{refusing_proxy}")

    assert ("network/proxy", "the proxy in `HTTPS_PROXY` requires a login") == (error.slug, error.what)


@pytest.mark.faults(1)
def test_without_any_such_variable_the_host_is_named(fails):
    error = fails()

    assert "network/unreachable" == error.slug
    assert "index.example.test" in error.what
