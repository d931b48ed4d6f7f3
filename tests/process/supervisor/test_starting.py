"""Starting: order, readiness, tasks, and what can't be started."""

from __future__ import annotations

import os
import sys

import pytest

from devboot.model.process import Dependency, Probe
from devboot.supervisor.core.task_stamp import MADE, is_recorded
from tests.fakes.stage import SERVER


def test_processes_start_when_what_they_depend_on_is_ready(stage, port):
    stage.add("web", "sleep 100", needs=[Dependency("api", "ready"), Dependency("migrate", "succeeded")])
    stage.add(
        "api", python=SERVER, kind="service", gates=True, ready=Probe("http", port=port), env=(("PORT", str(port)),)
    )
    stage.add("migrate", "echo migrating", kind="task", needs=["api"])

    stage.up()
    stage.until_settled()

    assert stage.spawned == ["api", "migrate", "web"]
    assert stage.supervisor.verdict().ok
    # Without a subreaper it may take a moment to be sure that nothing is left.
    assert [phase for phase in stage.phases["migrate"] if phase != "stopping"] == ["waiting", "running", "exited"]
    assert b"asked / localhost" in stage.output["api"]


@pytest.mark.parametrize("names", [(), ("worker",), ("migrate",), ("web",)])
def test_a_preview_names_what_up_then_starts_of_all_that_does_not_run(stage, names):
    stage.add("web", "sleep 100")
    stage.add("worker", "sleep 100", needs=[Dependency("migrate", "succeeded")])
    stage.add("migrate", "echo migrating", kind="task")
    stage.add("crashes", "exit 3", max_restarts=0)
    stage.add("fails", "exit 1", kind="task", needs=["web"])
    stage.add("report", "sleep 100", needs=[Dependency("fails", "succeeded")])
    stage.add("nightly", "sleep 100", schedule="@daily")
    stage.up()
    stage.until(lambda: stage.status("crashes").phase == "gave-up" and stage.status("worker").pid is not None)
    stage.until(lambda: stage.supervisor.process("fails").error is not None)
    stage.supervisor.stop(["worker"])
    stage.until_phase("worker", "stopped")
    before = {each.name: (each.phase, each.pid) for each in stage.supervisor.statuses()}

    told = stage.supervisor.preview(stage.plan, names)

    assert before == {each.name: (each.phase, each.pid) for each in stage.supervisor.statuses()}
    expected = {
        (): ({"worker", "crashes"}, {"migrate", "fails"}),
        ("worker",): ({"worker"}, {"migrate"}),
        ("migrate",): (set(), {"migrate"}),
        ("web",): (set(), set()),
    }[names]
    assert expected == (set(told.started), set(told.tasks))
    assert told == stage.supervisor.compare(stage.plan)._replace(started=told.started, tasks=told.tasks)
    stage.phases.clear()
    stage.up(*names)
    stage.until_settled()
    assert expected[0] | expected[1] == stage.phases.keys() - {"report"}


def test_a_preview_of_an_edit_names_what_had_given_up_and_leaves_out_what_is_removed(stage):
    stage.add("web", "sleep 100")
    stage.add("worker", "exit 3", max_restarts=0)
    stage.add("mailer", "sleep 100")
    stage.up()
    stage.until_phase("worker", "gave-up")
    web, worker, _ = stage.plan.processes

    told = stage.supervisor.preview(stage.plan._replace(processes=(web, worker._replace(command="sleep 100"))))

    assert (("worker",), ("mailer",), ()) == (told.started, told.stopped, told.restarted)


def test_up_with_a_name_starts_what_it_needs_and_nothing_else(stage):
    stage.add("web", "sleep 100", needs=["redis"])
    stage.add("redis", "sleep 100", kind="service")
    stage.add("worker", "sleep 100", needs=["redis"])

    stage.up("web")
    stage.until_settled()

    assert stage.spawned == ["redis", "web"]
    assert stage.status("worker").phase == "stopped"


def test_up_without_dependencies_starts_the_named_only(stage):
    stage.add("web", "sleep 100", needs=["redis"])
    stage.add("redis", "sleep 100", kind="service")

    stage.up("web", dependencies=False)
    stage.until_settled()

    assert stage.spawned == ["web"]
    pid = stage.status("web").pid
    os.kill(pid, 9)
    stage.until(lambda: stage.status("web").pid not in (None, pid))


def test_a_task_runs_only_for_a_process_that_starts(stage):
    stage.add("test", "echo never", kind="task")
    stage.add("migrate", "echo once", kind="task", stamp=(f"{stage.root}/stamp", "inputs"))
    stage.add("web", "sleep 100", needs=[Dependency("migrate", "succeeded")])

    stage.up()
    stage.until_settled()
    stage.up()
    stage.until_settled()

    assert stage.output == {"migrate": b"once\n"}
    assert stage.status("test").phase == "stopped"


def test_a_database_is_made_once_though_no_process_needs_it(stage):
    stage.add("postgres", "sleep 100", kind="service")
    stage.add("default", "echo made", kind="task", needs=["postgres"], origin="[databases.default]")
    stage.add("test", "echo never", kind="task", needs=["postgres"], origin="[tasks.test]")

    for _ in range(2):
        stage.up()
        stage.until_settled()

    assert stage.output == {"default": b"made\n"}


def test_a_task_that_has_succeeded_leaves_its_stamp_with_the_schema_of_its_database(stage):
    make = (
        "import sqlite3; base = sqlite3.connect('db.sqlite3'); base.execute('create table a (b)');"
        " base.execute('create table c (d)')"
    )
    stage.add(
        "migrate", python=make, kind="task", stamp=(f"{stage.root}/stamps/migrate", "v1"),
        stamp_databases=(f"{stage.root}/db.sqlite3", f"{stage.root}/none.sqlite3"),
    )  # fmt: skip

    stage.up("migrate")
    stage.until_phase("migrate", "exited")

    with open(f"{stage.root}/stamps/migrate", encoding="utf-8") as file:
        assert file.read() == "v1 00000002 -"


def test_a_task_that_runs_each_time_records_that_it_has_succeeded_in_the_data_that_is_there(stage):
    stage.script("cluster", "")
    record = (f"{stage.root}/stamps/default.made", "v1", f"{MADE}{stage.root}/cluster")
    stage.add("default", "echo ran", kind="task", record=record)
    assert not is_recorded(stage.specs[0])

    for count in (1, 2):
        stage.up("default")
        stage.until(lambda count=count: stage.output.get("default") == b"ran\n" * count)
        stage.until_phase("default", "exited")

    assert is_recorded(stage.specs[0])
    assert not is_recorded(stage.specs[0]._replace(record=(record[0], "v2", record[2])))
    os.utime(f"{stage.root}/cluster", ns=(1, 1))  # another cluster, another database
    assert not is_recorded(stage.specs[0])


def test_a_task_that_need_not_run_says_why(stage):
    stage.add("migrate", "false", kind="task", skip="nothing new")
    stage.add("web", "sleep 100", needs=[Dependency("migrate", "succeeded")])

    stage.up()
    stage.until_settled()

    assert stage.supervisor.verdict().ok
    assert stage.status("migrate").note == "nothing new"


def test_a_failed_task_keeps_its_dependents_waiting_with_the_reason(stage):
    stage.add("redis", "sleep 100", kind="service")
    stage.add("migrate", "echo no such table; exit 3", kind="task")
    stage.add("web", "sleep 100", needs=["redis", Dependency("migrate", "succeeded")])
    stage.add("proxy", "sleep 100", needs=["web"])

    stage.up()
    stage.until_settled()
    verdict = stage.supervisor.verdict()

    assert [(each.name, each.error.slug, each.error.what) for each in verdict.failures] == [
        ("migrate", "process/task-failed", "migrate failed: no such table"),
        ("web", "process/waiting", "web was not started: migrate failed"),
        ("proxy", "process/waiting", "proxy was not started: web can't start"),
    ]
    assert verdict.failures[0].error.details == ("echo no such table; exit 3", "| no such table")
    assert stage.status("redis").phase == "running"
    assert stage.status("web").note == "migrate failed"


@pytest.mark.faults(79)
def test_services_and_tasks_read_an_empty_input_and_processes_have_a_terminal(stage):
    look = "import os, sys; print(sys.stdin.isatty(), sys.stdout.isatty(), {}, os.getsid(0) == os.getpid())"
    size = "'%dx%d' % os.get_terminal_size()"
    stage.add("service", python=look.format("repr(sys.stdin.read())"), kind="service", restart="never")
    stage.add("task", python=look.format("repr(sys.stdin.read())"), kind="task")
    stage.add("process", python=look.format(size), restart="never")
    stage.add("piped", python=look.format("repr(sys.stdin.read())"), restart="never", pty=False)

    stage.up("service", "task", "process", "piped")
    stage.until_settled()

    assert stage.output == {
        "service": b"False False '' True\n",
        "task": b"False False '' True\n",
        "process": b"True True 150x40 True\n",
        "piped": b"False False '' True\n",
    }


def test_the_terminal_is_the_controlling_one_and_follows_a_resize(stage):
    stage.add(
        "process",
        python="""
import os, signal, time
def show(*_): print("%dx%d" % os.get_terminal_size())
signal.signal(signal.SIGWINCH, show)
os.close(os.open("/dev/tty", os.O_RDWR))
show()
while True: time.sleep(0.05)
""",
    )

    stage.up()
    stage.until_output("process", b"150x40\n")
    stage.supervisor.resize(30, 100)
    stage.until_output("process", b"100x30\n")


def test_a_program_that_redirects_everything_keeps_its_terminal(stage):
    write = "time.sleep(0.2); open('/dev/tty', 'w').write('still there'); time.sleep(100)"
    stage.add("web", f'{sys.executable} -c "import time; {write}" > log 2>&1 < /dev/null', restart="never")

    stage.up()
    stage.until_output("web", b"still there")

    assert stage.status("web").phase == "running"


def test_signals_that_the_daemon_ignores_are_back_at_their_default(stage):
    import signal

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        # Read from the kernel, since Python sets some of them itself when it starts.
        stage.add("look", "grep -E 'SigIgn|SigBlk' /proc/self/status", restart="never")
        stage.up()
        stage.until_settled()
    finally:
        signal.signal(signal.SIGHUP, before)

    assert stage.output["look"].split() == [b"SigBlk:", b"0" * 16, b"SigIgn:", b"0" * 16]


@pytest.mark.faults(77)
@pytest.mark.parametrize(
    ("command", "reason", "advice"),
    [
        ("pyhton3 manage.py", "`pyhton3` was not found", "did you mean `python3`?"),
        ("A=b pyhton3 manage.py", "`pyhton3` was not found", "did you mean `python3`?"),
        ("./plain.txt", "`./plain.txt` is not executable", "`chmod +x {root}/./plain.txt`"),
        ("./shebang", "`./shebang` names the interpreter `/no/such/ruby`, which does not exist",
         "edit its first line: {root}/./shebang"),
        ("./missing --now", "`./missing` was not found", None),
        ("migration_files up", "`migration_files` was not found", None),
        ("./foreign", "`./foreign` is a program for another kind of machine",
         "see what it is: `file {root}/./foreign`"),
    ],
)  # fmt: skip
def test_what_cannot_be_started_says_why(stage, command, reason, advice):
    stage.script("plain.txt", "hello")
    os.mkdir(f"{stage.root}/migration_files")
    os.chmod(stage.script("shebang", "#!/no/such/ruby\n"), 0o755)
    os.chmod(stage.script("foreign", "\x7fELF\2\1\1\0 and so on"), 0o755)
    stage.add("web", command)
    stage.add("other", "sleep 100")

    stage.up()
    stage.until_settled()
    (failure,) = stage.supervisor.verdict().failures

    assert failure.error.slug == "process/spawn"
    assert failure.error.what == f"`web` could not be started: {reason}"
    assert failure.error.help == (() if advice is None else (advice.format(root=stage.root),))
    assert (stage.status("web").phase, stage.status("web").note) == ("failed", reason)
    assert stage.status("other").phase == "running"


@pytest.mark.faults(77)
def test_a_missing_directory_and_a_huge_environment_say_so(stage):
    stage.add("lost", "sleep 1", cwd=f"{stage.root}/none")
    stage.add("huge", "sleep 1", env=(("BIG", "x" * 200_000),))

    stage.up()
    stage.until_settled()

    assert stage.status("lost").note == f"its directory `{stage.root}/none` does not exist"
    assert "is too large" in stage.status("huge").note


@pytest.mark.faults(77)
def test_exported_shell_functions_and_zero_bytes_do_no_harm(stage):
    stage.add("fine", "echo fine", restart="never", env=(("BASH_FUNC_f%%", "() { echo x; }"), ("A", "b\nc")))
    stage.add("zero", "echo never", restart="never", env=(("A", "b\0c"),))

    stage.up()
    stage.until_settled()

    assert stage.output == {"fine": b"fine\n"}
    assert stage.status("zero").note == "embedded null byte (`/bin/sh`)"


def test_a_script_without_first_line_is_run_by_the_shell(stage):
    os.chmod(stage.script("start", "echo started by $0\n"), 0o755)
    stage.add("web", "./start", restart="never")

    stage.up()
    stage.until_settled()

    assert stage.output["web"] == b"started by ./start\n"


@pytest.mark.faults(77)
def test_a_program_that_itself_says_127_is_judged_by_its_policy(stage):
    stage.add("web", "exit 127", restart="never")

    stage.up()
    stage.until_settled()

    status = stage.status("web")
    assert (status.phase, status.last_exit.code, status.note[:3]) == ("exited", 127, "at ")


def test_memory_is_that_of_the_whole_session(stage):
    hold = """
import os, time
if not os.fork():
    held = bytearray(40_000_000)
    print("ok")
time.sleep(100)
"""
    stage.add("web", python=hold)

    stage.up()
    stage.until_output("web", b"ok")
    (status,) = stage.supervisor.statuses(memory_too=True)

    assert 40_000_000 < status.memory < 90_000_000


@pytest.mark.faults(160)
def test_what_dies_when_its_modules_are_loaded_was_never_up(stage):
    slow = "import time\nend = time.process_time() + 1.5\nwhile time.process_time() < end: pass\nimport nowhere\n"
    stage.add("worker", python=slow)

    stage.up()
    stage.until_settled()

    assert [failure.error.slug for failure in stage.supervisor.verdict().failures] == ["process/import-error"]


@pytest.mark.faults(160)
def test_what_reloads_its_code_and_cannot_load_it_was_never_up(stage, tmp_path):
    reloads = """
import os, subprocess, sys, time
while True:
    subprocess.run([sys.executable, "-c", "import " + ("os" if os.path.exists("mended") else "nowhere")])
    if os.path.exists("mended"): print("connected\\nlistening\\nready", flush=True)
    while not os.path.exists("mended"): time.sleep(0.02)
    if os.path.exists("twice"): time.sleep(1000)
    open("twice", "w").close()
"""
    stage.add("worker", python=reloads)

    stage.up()
    stage.until_settled()
    (failure,) = stage.supervisor.verdict().failures

    missing = "ModuleNotFoundError: No module named 'nowhere'"
    assert (failure.error.slug, failure.error.what) == ("process/not-ready", f"worker is not ready: {missing}")
    assert (stage.status("worker").phase, stage.status("worker").note) == ("running", missing)

    (tmp_path / "mended").touch()
    stage.until(lambda: stage.supervisor.verdict().ok)
    assert stage.status("worker").note == ""


def test_an_exception_that_a_worker_has_handled_does_not_keep_it_from_being_up(stage):
    stage.add(
        "worker", python="import time, traceback\ntry: 1 / 0\nexcept Exception: traceback.print_exc()\ntime.sleep(1000)"
    )

    stage.up()
    stage.until_settled()

    assert stage.supervisor.verdict().ok


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("./serve", "#!/usr/bin/env no-such-language\n"),
        ("sh serve", "no-such-language serve.x\n"),
        ("sh serve", "exec no-such-language serve.x\n"),
    ],
)
def test_a_script_whose_program_is_not_on_this_machine_is_not_started_again(stage, command, script):
    path = os.path.join(stage.root, "serve")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    os.chmod(path, 0o700)
    stage.add("web", command)

    stage.up()
    stage.until_settled()

    assert stage.phases["web"].count("running") == 1
    assert (
        stage.supervisor.verdict().failures[0].error.what
        == "`web` could not be started: `no-such-language` was not found"
    )


def test_a_program_that_ends_with_127_for_reasons_of_its_own_is_started_again(stage):
    stage.add("web", "echo 'sh: 1: cat: not found'; exit 127", restart="always", max_restarts=1)

    stage.up()
    stage.until_settled()

    assert stage.phases["web"].count("running") > 1
