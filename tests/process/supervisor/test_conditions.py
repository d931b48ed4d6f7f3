"""What a process may wait for, and by which answers and how many of them another one counts as ready."""

from __future__ import annotations

from pathlib import Path

from devboot.model.process import Dependency, Probe
from tests.fakes.stage import SERVER

CERTIFICATE = Path(__file__).parents[2] / "fakes" / "certificates" / "expired.pem"
IN_TLS = SERVER.replace(
    'print("serving")',
    "import ssl\n"
    "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
    "context.load_cert_chain(os.environ['CERTIFICATE'])\n"
    "server.socket = context.wrap_socket(server.socket, server_side=True)",
)


def test_each_condition_is_met_by_its_own_event_and_what_is_waited_for_is_shown(stage):
    stage.add("job", "exit 3", restart="never")
    stage.add("slow", "sleep 100", gates=True, ready=Probe("exec", command="test -e up", timeout=30.0))
    for until, name in (("completed", "job"), ("succeeded", "job"), ("started", "slow"), ("ready", "slow")):
        stage.add(f"after-{until}", "sleep 100", needs=[Dependency(name, until)])

    stage.up()
    stage.until(lambda: {"after-completed", "after-started"} <= set(stage.spawned))
    stage.until(lambda: stage.status("after-succeeded").note == "job failed")

    assert (stage.status("after-ready").phase, stage.status("after-ready").note) == ("waiting", "for slow")
    stage.script("up", "")
    stage.until_phase("after-ready", "running")
    assert stage.spawned.index("slow") < stage.spawned.index("after-started") < stage.spawned.index("after-ready")
    assert stage.status("after-succeeded").phase == "waiting"


def test_an_http_answer_counts_by_its_status_and_its_text(stage, port):
    asks = {
        "any": Probe("http", port=port),
        "text": Probe("http", port=port, expect="all is well"),
        "status": Probe("http", port=port, status=(200, 204)),
        "other-status": Probe("http", port=port, status=(204,)),
        "other-text": Probe("http", port=port, expect="all is lost"),
    }
    stage.add("server", python=SERVER, env=(("PORT", str(port)),))
    for name, probe in asks.items():
        stage.add(name, "sleep 100", gates=True, ready=probe)

    stage.up()
    for name in ("any", "text", "status"):
        stage.until_phase(name, "ready")

    stage.until(lambda: stage.status("other-status").note == "HTTP 200")
    stage.until(lambda: stage.status("other-text").note == "HTTP 200 without 'all is lost'")
    assert {"starting"} == {stage.status(name).phase for name in ("other-status", "other-text")}


def test_a_server_of_https_is_asked_in_tls_whatever_its_certificate(stage, port):
    env = (("PORT", str(port)), ("CERTIFICATE", str(CERTIFICATE)))
    https = Probe("https", port=port, expect="all is well", timeout=30.0)
    stage.add("web", python=IN_TLS, env=env, port=port, gates=True, ready=https)
    stage.add("plain", "sleep 100", gates=True, ready=Probe("http", port=port), needs=["web"])

    stage.up()
    stage.until_phase("web", "ready")

    stage.until(lambda: stage.status("plain").note not in ("", "for web"))
    assert stage.status("plain").phase == "starting"


def test_https_of_a_server_that_speaks_none_is_told(stage, port):
    stage.add("web", python=SERVER, env=(("PORT", str(port)),), gates=True, ready=Probe("https", port=port))

    stage.up()

    stage.until(lambda: stage.status("web").note == "no TLS")
    assert stage.status("web").phase == "starting"


def test_it_is_asked_after_the_first_delay_and_has_to_answer_well_as_often_as_is_asked(stage):
    ready = Probe("exec", command="echo asked >> tries", initial_delay=0.6, success_threshold=3, timeout=30.0)
    stage.add("web", "sleep 100", gates=True, ready=ready)
    began = stage.loop.now()

    stage.up()
    stage.until_phase("web", "ready")

    assert stage.loop.now() - began >= 0.6
    with open(f"{stage.root}/tries", encoding="utf-8") as file:
        assert file.read() == "asked\n" * 3
