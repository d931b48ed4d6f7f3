"""An index that is away, slow, broken or lying: one honest message, nothing half installed, and the rerun converges."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import eventually
from tests.fakes.index import Index
from tests.fakes.wheels import write_wheel

pytestmark = pytest.mark.own_ports

WHEEL = "greeting-1.0-py3-none-any.whl"
MANIFEST = """
[processes.web]
command = "python -c 'import greeting, time; print(greeting.VERSION, flush=True); time.sleep(1000)'"
ready = { log = "1.0" }
"""


@pytest.fixture
def index(tmp_path):
    served = Index(str(tmp_path / "index"))
    write_wheel(served.folder, "greeting", "1.0")
    yield served
    served.close()


@pytest.fixture
def site(machine, index, tmp_path):
    """A project with one process and one package, which comes from `index`; uv has cached nothing."""
    folder = tmp_path / "plan/site"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("greeting==1.0\n")
    (folder / "devboot.toml").write_text(MANIFEST)
    here = machine(folder)
    here.environ |= {
        "UV_DEFAULT_INDEX": index.url,
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "1",
        "UV_HTTP_TIMEOUT": "2",
    }
    return here


def comes_up(here):
    """The same command again succeeds; doctor agrees."""
    here.devboot("up", "-d")
    assert "ready" == here.ps()["web"]["phase"]
    assert "no problems" in here.devboot("doctor").stdout
    here.devboot("down")


def is_untouched(here):
    """Nothing was chosen, and nothing is there that looks installed."""
    assert not (here.root / "devboot.lock").exists()
    assert [] == list(here.root.glob(".venv*/lib/*/site-packages/greeting*"))
    assert [] == here.left()


@pytest.mark.faults(1)
def test_an_index_that_refuses_connections(site, index):
    here = site
    refused = here.devboot("up", "-d", code=4, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple/")

    assert "error[network/unreachable]" in refused.stderr
    assert "127.0.0.1:9 can't be reached" in refused.stderr
    assert "--offline" in refused.stderr
    is_untouched(here)
    comes_up(here)


@pytest.mark.faults(1)
def test_an_index_whose_name_nobody_knows(site):
    here = site
    refused = here.devboot("up", "-d", code=4, UV_DEFAULT_INDEX="http://index.example.test/simple/")

    assert "error[network/unreachable]" in refused.stderr
    assert "index.example.test" in refused.stderr
    is_untouched(here)
    comes_up(here)


@pytest.mark.faults(2)
def test_an_index_that_fails_once_is_asked_again_in_silence(site, index):
    here = site
    index.plan = {"greeting": [500, "ok"], WHEEL: ["reset", "ok"]}

    done = here.devboot("up", "-d")

    assert "error" not in done.stderr
    assert index.asked.count("/simple/greeting") >= 2
    comes_up(here)


@pytest.mark.faults(2)
def test_an_index_that_keeps_failing(site, index):
    here = site
    index.plan = {"greeting": [500]}

    refused = here.devboot("up", "-d", code=4)

    assert 1 == refused.stderr.count("error[")
    assert "error[network/" in refused.stderr
    is_untouched(here)
    index.plan = {}
    comes_up(here)


@pytest.mark.faults(3)
@pytest.mark.parametrize("status", [401, 403, 410])
def test_an_index_that_refuses_the_request(site, index, status):
    here = site
    index.plan = {"greeting": [status]}

    refused = here.devboot("up", "-d", code=4)

    assert f"error[network/http-{status}]" in refused.stderr
    assert "127.0.0.1" in refused.stderr
    assert 1 == index.asked.count("/simple/greeting")
    is_untouched(here)
    index.plan = {}
    comes_up(here)


@pytest.mark.faults(3)
def test_a_file_that_is_gone_from_the_index(site, index):
    here = site
    here.devboot("lock")
    lock = (here.root / "devboot.lock").read_bytes()
    Path(here.environ["UV_CACHE_DIR"]).rename(here.root.parent / "old-cache")
    index.plan = {WHEEL: [404]}

    refused = here.devboot("up", "-d", code=4)

    assert "error[network/http-404]" in refused.stderr
    assert "greeting" in refused.stderr
    assert lock == (here.root / "devboot.lock").read_bytes()
    assert [] == list(here.root.glob(".venv*/lib/*/site-packages/greeting*"))
    index.plan = {}
    comes_up(here)


@pytest.mark.faults(3)
def test_a_package_that_the_index_does_not_have(site, index):
    here = site
    (here.root / "requirements.txt").write_text("greeting==1.0\nno-such-package\n")

    refused = here.devboot("up", "-d", code=1)

    assert "error[python/no-such-package]" in refused.stderr
    is_untouched(here)
    (here.root / "requirements.txt").write_text("greeting==1.0\n")
    comes_up(here)


@pytest.mark.faults(10)
@pytest.mark.parametrize("how", ["damaged", "html"])
def test_a_file_with_other_bytes_than_those_locked(site, index, how):
    here = site
    here.devboot("lock")
    lock = (here.root / "devboot.lock").read_bytes()
    Path(here.environ["UV_CACHE_DIR"]).rename(here.root.parent / "old-cache")
    index.plan = {WHEEL: [how]}

    refused = here.devboot("up", "-d", code=5)

    assert "error[integrity/hash-mismatch]" in refused.stderr
    assert "greeting" in refused.stderr
    assert lock == (here.root / "devboot.lock").read_bytes()
    assert [] == list(here.root.glob(".venv*/lib/*/site-packages/greeting*"))
    index.plan = {}
    comes_up(here)


@pytest.mark.faults(10)
def test_a_file_that_was_published_anew_under_its_name(site, index):
    here = site
    here.devboot("lock")
    lock = (here.root / "devboot.lock").read_bytes()
    Path(here.environ["UV_CACHE_DIR"]).rename(here.root.parent / "old-cache")
    write_wheel(index.folder, "greeting", "1.0", files={"greeting.py": "VERSION = 'bad'\n"})

    refused = here.devboot("up", "-d", code=5)

    assert "error[integrity/hash-mismatch]: `greeting==1.0` is not the file that was locked" in refused.stderr
    assert lock == (here.root / "devboot.lock").read_bytes()
    assert [] == list(here.root.glob(".venv*/lib/*/site-packages/greeting*"))
    write_wheel(index.folder, "greeting", "1.0")
    comes_up(here)


@pytest.mark.faults(10)
def test_a_login_page_instead_of_the_index(site, index):
    here = site
    index.plan = {"greeting": ["html"]}

    refused = here.devboot("up", "-d", code=1)

    assert "there is no `greeting==1.0`" in refused.stderr
    is_untouched(here)
    index.plan = {}
    comes_up(here)


@pytest.mark.faults(4, 115)
@pytest.mark.parametrize("where", ["greeting", WHEEL], ids=["resolving", "downloading"])
def test_an_interrupt_while_the_index_stalls_ends_at_once(site, index, where):
    here = site
    if where == WHEEL:
        here.devboot("lock")
        Path(here.environ["UV_CACHE_DIR"]).rename(here.root.parent / "old-cache")
    index.asked.clear()
    index.plan = {where: ["stall"]}
    child = here.start("up", "-d", UV_HTTP_TIMEOUT="3600")  # it would wait for far longer than the test does
    eventually(lambda: any(path.endswith(where) for path in index.asked))

    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=90)[1]

    assert 130 == child.returncode, said
    assert "stopped by you" in said
    assert "Traceback" not in said
    eventually(lambda: [] == here.processes())
    index.plan = {}
    comes_up(here)


@pytest.mark.faults(115)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_while_the_index_stalls(site, index, number, code):
    here = site
    index.plan = {"greeting": ["stall"]}
    child = here.start("up", UV_HTTP_TIMEOUT="3600")
    eventually(lambda: index.asked)

    child.send_signal(number)
    said = child.communicate(timeout=90)[1]

    assert code == child.returncode, said
    assert "Traceback" not in said
    eventually(lambda: [] == here.processes())
    index.plan = {}
    comes_up(here)


@pytest.mark.faults(115)
def test_ctrl_c_on_a_terminal_while_the_index_stalls_restores_it(site, index):
    here = site
    index.plan = {"greeting": ["stall"]}
    window = here.terminal("up", UV_HTTP_TIMEOUT="60")
    before = window.modes()
    eventually(lambda: window.read(0.01) and index.asked)

    window.type("\x03")

    assert 130 == window.wait()
    assert before == window.modes()
    assert window.text.rfind(b"\x1b[?25h") >= window.text.rfind(b"\x1b[?25l")
    assert b"stopped by you" in window.text
    eventually(lambda: [] == here.processes())
