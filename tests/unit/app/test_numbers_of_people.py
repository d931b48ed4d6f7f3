"""Numbers from the command line, the environment and other files: read up to a limit, or refused with a message."""

from __future__ import annotations

import pytest

from devboot.app.commands.preparing.up import parse_ports
from devboot.app.fast.call import positive
from devboot.app.preparation.flag_overrides import parse_base
from devboot.errors import UsageError
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.model.plan_check import LONGEST
from devboot.model.process import Probe
from devboot.model.project_files import overmind
from devboot.supervisor.probes.tcp_http import judge_http

HUGE = "9" * 5000  # Python refuses to read so many digits


@pytest.mark.faults(142)
@pytest.mark.parametrize(("text", "columns"), [("100000", 4096), (HUGE, 4096), ("80", 80), ("²", 0), ("-5", 0)])
def test_columns_and_lines_are_clamped(text, columns):
    assert positive(text) == columns


@pytest.mark.faults(142)
@pytest.mark.parametrize("text", [HUGE, "²", "65536", "0"])
def test_a_port_out_of_range_is_a_usage_error(text):
    with pytest.raises(UsageError):
        parse_base(text)
    with pytest.raises(UsageError):
        parse_ports((f"web={text}",))


@pytest.mark.parametrize("number", ["65536", "0"])
def test_a_port_out_of_range_is_refused_with_the_range(number):
    with pytest.raises(UsageError) as first:
        parse_base(number)
    with pytest.raises(UsageError) as second:
        parse_ports((f"web={number}",))

    assert ("a port is a number from 1 to 65535",) == first.value.causes == second.value.causes
    assert ("devboot up --port web=auto", "devboot up --port web=8001") == second.value.help


@pytest.mark.faults(142)
@pytest.mark.parametrize("text", [HUGE, "²", "101"])
def test_a_count_of_overmind_that_is_none_is_left_out_with_a_note(text):
    found = overmind.formation_of({"OVERMIND_FORMATION": f"web={text}"}, ("web",))

    assert found.counts == {}
    assert len(found.notes) == 1


@pytest.mark.faults(142)
def test_an_answer_with_an_endless_status_is_no_success():
    answer = judge_http(Probe("http"), f"HTTP/1.1 {HUGE} OK\r\n\r\n".encode(), ended=True)

    assert answer is not None
    assert not answer.good


@pytest.mark.faults(142)
@pytest.mark.parametrize(("text", "seconds"), [("700h", 2_520_000.0), (f"{HUGE}h", LONGEST)])
def test_a_stop_timeout_is_clamped(text, seconds):
    manifest = parse_manifest(f'[processes.web]\ncommand = "x"\nstop_timeout = "{text}"\n', "devboot.toml")

    assert manifest.processes["web"].stop_timeout == seconds
