"""What a project says to overmind holds here as well: its env-file with variables and settings, and its flags."""

from __future__ import annotations

import sys

from tests.e2e.conftest import eventually
from tests.fakes.ports import free_ports

PROCFILE = (
    f"web: {sys.executable} -m http.server $PORT --bind 127.0.0.1\nworker: env; exec sleep 1000\ncss: exec sleep 1000\n"
)


def test_its_env_file_names_procfile_ports_numbers_and_what_is_left_out(machine, tmp_path):
    base = free_ports(21)
    project = tmp_path / "source" / "site"
    project.mkdir(parents=True)
    (project / "Procfile.local").write_text(PROCFILE)
    (project / ".overmind.env").write_text(
        f"OVERMIND_PROCFILE=./Procfile.local\nOVERMIND_PORT={base}\nOVERMIND_PORT_STEP=10\n"
        "OVERMIND_FORMATION=worker=2\nOVERMIND_IGNORED_PROCESSES=css\nGREETING=hello\n"
    )
    (project / "devboot.toml").write_text("[project]\nname = 'site'\n")
    here = machine(project)

    told = here.devboot("up", "-d").stderr

    assert "`.overmind.env` leaves out css: `devboot scale css=1` starts it" in told
    assert {name: found["port"] for name, found in here.ps().items()} == {
        "web": base,
        "worker.1": base + 10,
        "worker.2": base + 11,
    }
    eventually(
        lambda: (
            {"GREETING=hello", f"PORT={base + 11}", f"OVERMIND_PROCESS_web_PORT={base}"}
            <= set(here.devboot("logs", "worker.2", "--no-prefix").stdout.splitlines())
        )
    )
    here.devboot("scale", "css=1")
    assert here.ps()["css"]["phase"] == "running"

    here.devboot("up", "-d", "-P", "20", "-m", "worker=1")
    assert {name: found["port"] for name, found in here.ps().items()} == {"web": base, "worker": base + 20}
