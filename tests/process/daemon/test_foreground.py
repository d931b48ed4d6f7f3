"""Foreground `up`: who owns the run, what ends it, and with which exit code."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from devboot.model.process import TASK, Dependency
from tests.fakes.processes import are_alive, is_alive, wait_until


def all_up(project):
    wait_until(lambda: project.lease() and len(project.pids()) == len(project.specs), "all processes")
    return project.pids()


def nothing_left(project, pids):
    wait_until(lambda: not any(map(is_alive, pids.values())) and project.is_down(), "the end of everything")


@pytest.mark.faults(116)
def test_ctrl_c_once_stops_in_order_says_so_and_exits_with_130(shop):
    terminal = shop.terminal("up")
    terminal.expect(r"shop is up in")
    pids = all_up(shop)
    before = terminal.modes()

    terminal.type("\x03")
    terminal.expect(r"stopping worker, web, then redis; ctrl-c again to force")
    terminal.expect(r"shop is down, ")

    assert terminal.wait() == 130
    assert before != terminal.modes()
    nothing_left(shop, pids)


@pytest.mark.faults(116)
def test_ctrl_c_twice_forces_and_a_third_time_does_nothing_worse(project):
    project.spec("deaf", "trap '' INT TERM; echo ignored; while :; do sleep 1; done", stop_timeout=60.0).write()
    terminal = project.terminal("up")
    terminal.expect(r"ignored")
    pids = all_up(project)

    terminal.type("\x03")
    terminal.expect("ctrl-c again to force")
    terminal.type("\x03")
    terminal.type("\x03")
    terminal.expect("forcing: deaf")

    assert terminal.wait() == 130
    nothing_left(project, pids)


@pytest.mark.faults(116)
def test_two_interrupts_ten_milliseconds_apart_force(project):
    project.spec("deaf", "trap '' INT TERM; echo ignored; while :; do sleep 1; done", stop_timeout=60.0).write()
    child = project.start("up")
    pids = all_up(project)
    wait_until(lambda: "ignored" in project.devboot("logs").stdout)

    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    wait_until(lambda: child.poll() is not None or child.send_signal(signal.SIGINT))

    assert child.wait() == 130
    nothing_left(project, pids)


@pytest.mark.faults(117)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_sigterm_and_sighup_stop_everything_like_ctrl_c(shop, number, code):
    child = shop.start("up")
    pids = all_up(shop)

    child.send_signal(number)

    assert child.wait(60) == code
    nothing_left(shop, pids)


@pytest.mark.faults(117)
def test_a_hangup_while_it_stops_does_not_cancel_the_stopping(project):
    project.spec("slow", "trap 'sleep 0.5; exit 0' TERM; echo up; while :; do sleep 0.05; done").write()
    child = project.start("up")
    pids = all_up(project)
    wait_until(lambda: "up" in project.devboot("logs").stdout)

    child.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in child.stderr.readline())
    os.kill(project.lease().pid, signal.SIGHUP)

    assert child.wait(60) == 143
    nothing_left(project, pids)


@pytest.mark.faults(117)
def test_a_closed_terminal_window_stops_everything(shop):
    terminal = shop.terminal("up")
    terminal.expect(r"shop is up in")
    pids = all_up(shop)

    terminal.close()

    assert terminal.wait() == 129
    nothing_left(shop, pids)


@pytest.mark.faults(117)
def test_a_client_that_is_killed_takes_its_run_with_it(shop):
    child = shop.start("up")
    pids = all_up(shop)

    child.kill()
    child.wait()

    nothing_left(shop, pids)


@pytest.mark.faults(117)
def test_a_daemon_run_does_not_mind_a_hangup(shop):
    shop.devboot("up", "-d")
    pids = shop.pids()

    os.kill(shop.lease().pid, signal.SIGHUP)

    assert shop.devboot("ps").stdout.count("running") == 2
    assert are_alive(pids.values())
    shop.devboot("down")


@pytest.mark.faults(112)
def test_a_reader_that_goes_away_ends_the_run_with_141(project):
    project.spec("web", "while :; do echo line; sleep 0.02; done").write()
    child = project.start("up")
    pids = all_up(project)
    child.stdout.readline()

    child.stdout.close()

    assert child.wait(60) == 141
    nothing_left(project, pids)


@pytest.mark.faults(112)
def test_a_full_disk_under_stdout_ends_the_run_with_1(project):
    project.spec("web", "while :; do echo line; sleep 0.02; done").write()
    with open("/dev/full", "w") as full:
        child = project.start("up", stdout=full)

        assert child.wait(60) == 1
    wait_until(project.is_down)


@pytest.mark.faults(112)
def test_a_closed_stdout_never_leaves_orphans(project):
    project.spec("web", "while :; do echo line; sleep 0.02; done").write()
    command = " ".join([*project.argv("up"), ">&- <&- 2>/dev/null"])
    child = subprocess.Popen(["/bin/sh", "-c", f"exec {command}"], env=project.env, cwd=project.root)
    project.children.append(child)
    pids = all_up(project)
    wait_until(lambda: catches(child.pid, signal.SIGTERM), "the client to handle signals")

    child.terminate()

    assert child.wait(60) == 143
    nothing_left(project, pids)


def catches(pid, number):
    """Return whether a process has a handler for a signal."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        caught = next(line.split()[1] for line in file if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_in_a_pipe_output_goes_to_stdout_and_words_of_devboot_to_stderr(project):
    project.spec("web", r"printf '\033[31mred\033[0m [bold]\n'; exit 0", restart="never").write()

    done = project.devboot("up")

    assert [line[9:] for line in done.stdout.splitlines()] == ["web │ red [bold]"]
    assert "\x1b" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("shop is down")


def test_a_run_ends_with_0_when_all_processes_have_ended_well_and_with_1_otherwise(project):
    project.spec("redis", kind="service", pty=False).spec("job", "exit 0", restart="never").write()
    assert project.devboot("up").returncode == 0

    project.specs[1] = project.specs[1]._replace(command="exit 3")
    project.write()
    project.devboot("up", code=1)


@pytest.mark.faults(79)
def test_the_exit_code_of_a_process_that_ends_all_is_passed_on(project):
    project.spec("web").spec("tests", "sleep 0.2; exit 5", restart="never", exit_ends_all=True).write()

    project.devboot("up", code=5)


@pytest.mark.faults(79)
def test_the_terminal_input_is_not_stolen_by_processes(project):
    project.spec("reader", "read line; echo got $line; exec sleep 1000").write()
    terminal = project.terminal("up")
    terminal.expect("shop is up in")

    terminal.type("hello\n")
    terminal.type("\x03")

    assert terminal.wait() == 130
    assert b"got hello" not in terminal.text


def test_d_detaches_and_everything_goes_on(shop):
    terminal = shop.terminal("up")
    terminal.expect("shop is up in")
    pids = all_up(shop)
    before = terminal.modes()

    terminal.type("d")
    terminal.expect("shop keeps running: devboot logs -f   devboot ps   devboot down")

    assert terminal.wait() == 0
    assert before[3] != terminal.modes()[3] if terminal.fd < 0 else True
    assert are_alive(pids.values())
    shop.devboot("down")


@pytest.mark.faults(85)
def test_an_attached_client_is_asked_what_ctrl_c_means(shop):
    shop.devboot("up", "-d")
    pids = shop.pids()
    terminal = shop.terminal("up")
    terminal.expect(r"shop is already up \(pid \d+, for .*\), attaching")

    terminal.type("\x03")
    terminal.expect(r"shop keeps running.  d detach   s stop everything   esc go on")
    terminal.type("\x1b")
    terminal.type("\x03")
    terminal.type("d")

    assert terminal.wait() == 0
    assert are_alive(pids.values())

    second = shop.terminal("up")
    second.expect("attaching")
    second.type("\x03")
    second.expect("esc go on")
    second.type("s")
    second.wait()
    nothing_left(shop, pids)


@pytest.mark.faults(85)
def test_attached_clients_that_are_killed_or_many_change_nothing(shop):
    shop.devboot("up", "-d")
    pids = shop.pids()
    terminals = [shop.terminal("up") for _ in range(3)]
    for terminal in terminals:
        terminal.expect("attaching")

    os.kill(terminals[0].pid, signal.SIGKILL)
    terminals[1].close()

    assert terminals[0].wait() == 137
    terminals[1].wait()
    terminals[2].type("d")
    terminals[2].expect("keeps running")
    assert are_alive(pids.values())
    shop.devboot("down")


@pytest.mark.faults(21)
def test_up_in_a_pipe_while_it_runs_reports_and_exits_with_7(shop):
    shop.devboot("up", "-d")
    before = shop.pids(), shop.lease()

    done = shop.devboot("up", code=7)

    assert done.stderr.splitlines()[0].startswith("error[busy/already-running]: shop is already up (pid ")
    assert done.stderr.splitlines()[1:] == [
        "help: `devboot logs -f` to watch it",
        "help: `devboot down` to stop it, `devboot up -d` to start what is missing",
    ]
    assert (shop.pids(), shop.lease()) == before
    shop.devboot("down")


@pytest.mark.faults(21)
def test_up_on_a_terminal_while_it_runs_attaches(shop):
    shop.devboot("up", "-d")

    terminal = shop.terminal("up")
    terminal.expect("attaching")
    shop.devboot("restart", "web")
    terminal.expect("web.*hello")

    shop.devboot("down")
    assert terminal.wait() == 0


@pytest.mark.faults(116)
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_works_while_nobody_takes_the_output(project, times):
    command = "trap '' INT TERM; while :; do echo 0123456789; done" if times == 2 else "exec yes"
    project.spec("flood", command, pty=False, stop_timeout=60.0).write()
    child = project.start("up")
    pids = all_up(project)
    child.stdout.readline()
    wait_until(lambda: is_stuck_in_a_write(child.pid), "a full pipe")

    for _ in range(times):
        child.send_signal(signal.SIGINT)
        wait_until(lambda: not project.lease() or "stopping" in project.devboot("ps", code=None).stdout)

    nothing_left(project, pids)
    if times == 2:
        assert child.wait(60) == 130  # it does not wait for a reader
    else:
        child.communicate()
        assert child.returncode == 130


def is_stuck_in_a_write(pid):
    try:
        with open(f"/proc/{pid}/wchan") as file:
            return "pipe" in file.read()
    except OSError:
        return False


@pytest.mark.faults(34)
def test_a_client_whose_daemon_is_killed_says_so(shop):
    child = shop.start("up")
    pids = all_up(shop)

    os.kill(shop.lease().pid, signal.SIGKILL)

    assert child.wait(60) == 1
    assert child.stderr.read().splitlines()[-4:] == [
        "error[daemon/gone]: the daemon ended before it answered",
        "cause: it was killed",
        "help: devboot up -d",
        "kept: no process is left running: the daemon's parent ends everything that the daemon started",
    ]
    nothing_left(shop, pids)


@pytest.mark.faults(120)
def test_sigquit_makes_the_daemon_write_its_state_and_go_on(shop):
    import json

    shop.devboot("up", "-d")

    os.kill(shop.lease().pid, signal.SIGQUIT)

    path = f"{shop.state}/run/dump"
    wait_until(lambda: os.path.exists(path))
    with open(path) as file:
        assert [each["name"] for each in json.load(file)["processes"]] == ["redis", "web", "worker"]
    assert shop.devboot("ps").stdout.count("running") == 2
    shop.devboot("down")


@pytest.mark.faults(120)
def test_sigquit_to_up_itself_writes_the_state_too_and_everything_goes_on(shop):
    child = shop.start("up")
    pids = all_up(shop)

    child.send_signal(signal.SIGQUIT)

    wait_until(lambda: os.path.exists(f"{shop.state}/run/dump"))
    assert child.poll() is None
    assert shop.devboot("ps").stdout.count("running") == 2
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 143
    nothing_left(shop, pids)


@pytest.mark.faults(119)
@pytest.mark.parametrize("before", ["timeout 60", "setsid -w", "nohup"])
def test_under_programs_that_stand_between_it_and_the_terminal_it_neither_freezes_nor_animates(project, before):
    project.spec("web", "echo hello; sleep 0.2", restart="never").write()
    words = [*before.split(), *project.argv("up")]

    done = subprocess.run(
        words, env=project.env, cwd=project.root, capture_output=True, text=True, timeout=90, check=False
    )

    assert (done.returncode, "\x1b" in done.stdout + done.stderr) == (0, False)


def test_a_run_that_fails_ends_with_why_and_shows_a_crash_loop_once(project):
    project.spec("web", "echo pid $$ is broken; exit 3", restart="on-failure", max_restarts=2).write()

    done = project.devboot("up", code=1)

    assert 1 == done.stdout.count("is broken\n")
    assert "web: same output as before, 2 times\nweb: same output as before, 3 times\n" in done.stderr
    assert 2 == done.stderr.count("error[process/crash-loop]")
    *_, down, error, said, advice = done.stderr.splitlines()
    assert "shop is down" in down
    assert error.startswith("error[process/crash-loop]: web exited 3 times in ")
    assert said.endswith(" is broken")
    assert "help: all output: `devboot logs web`" == advice
    assert 3 == project.devboot("logs", "web").stdout.count("is broken\n")


def test_what_a_failed_task_held_up_is_not_the_last_word(project):
    needs = (Dependency("migrate", "succeeded"),)
    project.spec("migrate", "echo no such table; exit 3", kind=TASK, restart="never")
    project.spec("web", depends_on=needs).write()

    done = project.devboot("up", code=1)

    assert [
        "error[process/task-failed]: migrate failed: no such table",
        "  | no such table",
    ] == done.stderr.splitlines()[-3:-1]
