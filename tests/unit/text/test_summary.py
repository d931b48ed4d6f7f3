"""The end of `up`, from values."""

from __future__ import annotations

from devboot.text import summary


def test_a_step_has_its_time_at_the_right_edge():
    line = summary.step_line("venv", ".venv, 61 packages", 6.3)

    assert line == "  ✓ venv       .venv, 61 packages" + " " * 40 + "6.3 s"
    assert len(line) == summary.WIDTH


def test_without_unicode_the_sign_is_a_word_and_the_edge_is_the_same():
    line = summary.step_line("venv", "61 packages", 6.3, unicode=False)

    assert line == "  ok venv       61 packages" + " " * 46 + "6.3 s"
    assert len(line) == summary.WIDTH


def test_a_step_of_a_narrow_terminal_is_wrapped_and_keeps_its_time_at_the_edge():
    line = summary.step_line("processes", "redis 0.2 s, web 1.4 s to ready; worker running", 1.6, columns=44)

    assert line.split("\n") == [
        "  ✓ processes  redis 0.2 s, web 1.4 s to",
        "               ready; worker running   1.6 s",
    ]


def test_a_wide_terminal_has_the_usual_edge():
    assert len(summary.step_line("venv", "61 packages", 6.3, columns=200)) == summary.WIDTH


def test_servers_without_a_process_are_not_called_a_project_that_is_up():
    text = summary.headline("shop", 1.4, "", has_processes=False)

    assert text == "shop has no process of its own; its servers are up in 1.4 s"


def test_the_headline_says_what_was_installed():
    assert summary.headline("shop", 1.4, "nothing to install") == "shop is up in 1.4 s, nothing to install"
    assert summary.headline("shop", 1.4, "") == "shop is up in 1.4 s"


def test_addresses_are_aligned():
    assert summary.addresses([("web", "http://127.0.0.1:8000"), ("longer-name", "x")]) == [
        "  web          http://127.0.0.1:8000",
        "  longer-name  x",
    ]


def test_groups_are_told_in_their_order():
    assert summary.list_in_order([["worker", "web"], [], ["redis"]]) == "worker, web, then redis"


def test_a_line_of_plain_mode_has_fixed_columns():
    assert summary.event_line(14.1, "processes", "ok", "redis, web ready") == (
        "14.1s processes  ok      redis, web ready"
    )
    assert summary.event_line(124.7, "lock", "ok", "chosen") == "125s  lock       ok      chosen"
    assert [5] * 5 == [len(summary.stopwatch(seconds)) for seconds in (0.0, 99.94, 99.96, 1000, 9999)]


def test_times_to_ready_are_named_where_they_are_known():
    assert summary.ready_text([("redis", 0.2), ("web", 1.4)]) == "redis 0.2 s, web 1.4 s to ready"
    assert summary.ready_text([("redis", 0.2), ("web", None)]) == "redis 0.2 s to ready; web running"
    assert summary.ready_text([("web", None), ("worker", None)]) == "web, worker running"
    assert summary.ready_text([]) == "none"


def test_a_line_that_is_wider_than_the_terminal_continues_below_its_text():
    text = summary.idle_text(["web", "worker"])

    assert summary.titled("idle", text, 0) == [f"  idle    {text}"]
    assert summary.titled("idle", text, 44) == [
        "  idle    web, worker: no probe, so they",
        "          count as up once idle for a second",
    ]


def test_processes_without_a_probe_are_named_and_many_are_counted():
    assert summary.idle_text(["worker"]) == "worker: no probe, so it counts as up once idle for a second"
    assert summary.idle_text(list("abcde")).startswith("a, b, c and 2 more: no probe, so they count")
    late = "worker: no log line yet that shows readiness, so it counts as up once idle for a second"
    assert summary.idle_text(["worker"], awaits_line=True) == late
