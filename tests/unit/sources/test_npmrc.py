"""npm's configuration as npm reads it, without npm."""

import base64

import pytest

from devboot.sources.npmrc import NpmConfig, Setting, load_npm_config, npmrc_files, parse_npmrc
from devboot.sources.transfers.network import Network, Proxy

NPM = "https://npm.example.test"


def config(**settings):
    return NpmConfig({name.replace("_", "-"): Setting(value, "a test") for name, value in settings.items()})


def logins(**settings):
    return NpmConfig({f"//npm.example.test/{name}": Setting(value, "a test") for name, value in settings.items()})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("registry=https://a.test/", {"registry": "https://a.test/"}),
        (" registry = https://a.test/ ", {"registry": "https://a.test/"}),
        ('registry = "https://a.test/"', {"registry": "https://a.test/"}),
        ("; no\n# no\n[section]\n\nfund", {"fund": "true"}),
        ("registry=${HOST}/x", {"registry": "https://h.test/x"}),
        ("registry=${NONE}/x", {"registry": "${NONE}/x"}),
        ("registry=${NONE?}/x", {"registry": "/x"}),
        ("token=\\${HOST}", {"token": "\\${HOST}"}),
        ("//a.test/:_authToken=${HOST}=", {"//a.test/:_authToken": "https://h.test="}),
        ("ca[]=x", {}),
        ("registry=https://a.test/ ; ours", {"registry": "https://a.test/"}),
    ],
)
def test_lines_are_read_as_npm_does(text, found):
    assert parse_npmrc(text, {"HOST": "https://h.test"}) == found


def test_the_order_is_that_of_npm(tmp_path):
    home, root = tmp_path / "home", tmp_path / "project"
    for folder, value in ((home, "user"), (root, "project")):
        folder.mkdir()
        (folder / ".npmrc").write_text(f"registry=https://{value}.test/\nonly-{value}=1\n")
    environ = {"HOME": str(home), "npm_config_globalconfig": str(tmp_path / "none")}

    assert list(npmrc_files(environ, str(root))) == [
        str(tmp_path / "none"),
        f"{home}/.npmrc",
        f"{root}/.npmrc",
    ]
    found = load_npm_config(environ, str(root))
    assert found.registry("x") == Setting("https://project.test/", f"`{root}/.npmrc`")
    assert found.settings["only-user"].value == "1"
    found = load_npm_config({**environ, "NPM_CONFIG_REGISTRY": "https://env.test"}, str(root))
    assert found.registry("x") == Setting("https://env.test", "`NPM_CONFIG_REGISTRY`")
    found = load_npm_config({**environ, "npm_config_userconfig": str(root / ".npmrc")}, str(root))
    assert "only-user" not in found.settings


def test_a_scope_may_have_a_registry_of_its_own():
    found = NpmConfig({"registry": Setting("https://a.test", ""), "@x:registry": Setting("https://b.test", "")})

    assert found.registry("@x/y") == Setting("https://b.test", "")
    assert found.registry("@y/y") == found.registry("y") == Setting("https://a.test", "")
    assert config().registry("y") is None


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({":_authToken": "t"}, "Bearer t"),
        ({":_auth": "dTpw"}, "Basic dTpw"),
        ({":username": "u", ":_password": "cA=="}, "Basic dTpw"),
        ({":username": "u", ":_password": "?"}, ""),
        ({":username": "u"}, ""),
        ({"team/:_authToken": "t"}, "Bearer t"),
        ({":_authToken": "no", "team/:_authToken": "t"}, "Bearer t"),
        ({"other/:_authToken": "t"}, ""),
    ],
)
def test_the_login_of_the_longest_path_counts(settings, header):
    assert logins(**settings).authorization(f"{NPM}/team/pkg/-/pkg-1.tgz") == header


def test_a_login_is_for_its_host_alone():
    found = logins(**{":_authToken": "t"})

    assert found.authorization("https://npm.example.test.evil.test/x") == ""
    assert found.authorization("https://npm.example.test:8443/x") == ""
    assert base64.b64decode(logins(**{":_auth": "dTpw"}).authorization(f"{NPM}/x").split()[1]) == b"u:p"


def test_proxies_and_certificates_are_npms_own():
    network = Network({"https": Proxy("http://p.test", "HTTPS_PROXY")}, ("a.test",), "/ca", "SSL_CERT_FILE")

    assert config().network(network) == network
    found = config(https_proxy="http://q.test", noproxy="b.test,c.test", cafile="/npm-ca", strict_ssl="false")
    assert found.network(network) == Network(
        {"https": Proxy("http://q.test", "a test")}, ("b.test", "c.test"), "/npm-ca", "a test", is_verified=False
    )
    assert config(proxy="http://q.test", cafile="null").network(Network()) == Network(
        {scheme: Proxy("http://q.test", "a test") for scheme in ("https", "http")}
    )
