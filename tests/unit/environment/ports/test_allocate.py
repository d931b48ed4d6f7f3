"""Port numbers: stable, recorded, never somebody else's."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from devboot.environment.ports.allocate import Taken, allocate, choose, in_use, read_ports, refuse_fixed
from devboot.environment.ports.holders import listener_on, process_of, project_of
from devboot.environment.ports.loopback import is_free
from devboot.environment.ports.wish import PortWish
from devboot.environment.process_specs import Command, port_wishes
from devboot.errors import BusyError, Problems
from devboot.model.edge.manifest.tables import Process
from tests.fakes.ports import free_ports

NOBODY = Taken({}, ())
REDIS = PortWish("redis", 6379, exact=False)


def everything(_number):
    return True


def no_pause(_seconds):
    """Who holds a port keeps it."""


def test_the_usual_number_is_taken_when_it_is_free():
    assert choose([REDIS], {}, NOBODY, seed="/shop", is_free=everything).numbers == {"redis": 6379}


@pytest.mark.faults(90)
def test_what_another_project_recorded_does_not_count_as_free():
    taken = Taken({6379: "/home/ada/blog"}, ())
    ports = choose([REDIS], {}, taken, seed="/shop", is_free=everything)

    number = ports.numbers["redis"]
    assert 20000 <= number < 30000
    why = "project /home/ada/blog keeps it; `devboot up --port redis=6379` takes it"
    assert ports.notes == (("redis", f"gets port {number} instead of 6379: {why}"),)
    assert choose([REDIS], {}, taken, seed="/shop", is_free=everything) == ports
    assert choose([REDIS], {}, taken, seed="/other", is_free=everything).numbers != ports.numbers


@pytest.mark.faults(90)
def test_a_recorded_number_is_kept_even_when_the_usual_one_is_free_again():
    assert choose([REDIS], {"redis": 23456}, NOBODY, seed="/shop", is_free=everything).numbers == {"redis": 23456}


def test_a_recorded_number_that_is_taken_is_replaced_and_said():
    taken = Taken({}, {23456}, name_holder=lambda number: f"`redis-server` on {number}")
    ports = choose([REDIS], {"redis": 23456}, taken, seed="/shop", is_free=everything)

    back = "`devboot up --port redis=23456` moves it back once it is free"
    assert ports.numbers == {"redis": 6379}
    assert ports.notes == (("redis", f"moves from port 23456, held by `redis-server` on 23456, to 6379; {back}"),)


def test_a_number_that_another_project_uses_at_this_moment_is_not_offered():
    taken = Taken({6379: "/home/ada/blog"}, {6379})
    ((_, note),) = choose([REDIS], {}, taken, seed="/shop", is_free=everything).notes

    assert note.endswith(" instead of 6379: project /home/ada/blog uses it")


@pytest.mark.faults(88)
def test_a_number_that_a_stranger_uses_is_not_blamed_on_the_project_that_keeps_it(listening, tmp_path):
    state, root, user_state = project(tmp_path, "blog")
    Path(state, "ports.toml").write_text(f"web = {listening}\n")
    wish = PortWish("web", listening, exact=False)
    allocate(state, root, user_state, [wish], must_be_free=False)
    ((_, note),) = allocate(*project(tmp_path, "shop"), [wish], must_be_free=True).notes

    assert f" instead of {listening}: held by `" in note
    assert note.endswith(f"(pid {os.getpid()})")


def test_a_process_may_have_the_usual_number_of_a_project_that_is_down_and_a_server_may_not(tmp_path):
    web, redis = PortWish("web", 25001, exact=False, shared=True), PortWish("redis", 25002, exact=False)
    allocate(*project(tmp_path, "blog"), [web, redis], must_be_free=False)

    shop = project(tmp_path, "shop")
    numbers = allocate(*shop, [web, redis], must_be_free=False, is_up=lambda _root: False).numbers
    assert numbers["web"] == 25001
    assert numbers["redis"] != 25002
    assert allocate(*project(tmp_path, "wiki"), [web], must_be_free=False, is_up=lambda _: True).numbers["web"] != 25001


def test_all_ports_that_commands_name_and_others_hold_are_refused_at_once(listening, free_port):
    fixed = [("web", listening, "Procfile:1"), ("api", free_port, "Procfile:2"), ("docs", listening, "Procfile:3")]

    with pytest.raises(Problems) as caught:
        refuse_fixed(fixed, "/shop", no_pause)

    assert [each.what.partition(" ")[0] for each in caught.value.errors] == ["web", "docs"]
    assert caught.value.errors[0].help == (
        f"kill {os.getpid()}",
        f"write `$PORT` for {listening} in Procfile:1, then `devboot up -d`: devboot chooses a free port",
    )


def closing(listener, *, at):
    """Return a `sleep` during whose call number `at` the listener closes, as a program does that was told to end."""
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == at:
            listener.close()

    return sleep


def test_a_port_that_a_program_lets_go_in_a_moment_is_not_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        port, other = first.getsockname()[1], second.getsockname()[1]
        refuse_fixed([("web", port, "Procfile:1")], "/shop", closing(first, at=3))
        wish = PortWish("web", other, exact=True)
        where = project(tmp_path, "shop")
        ports = allocate(*where, [wish], must_be_free=True, sleep=closing(second, at=3))

    assert ports.numbers == {"web": other}


def test_a_port_that_stays_taken_is_looked_at_for_two_seconds(listening):
    pauses = []
    with pytest.raises(BusyError):
        refuse_fixed([("web", listening, "Procfile:1")], "/shop", pauses.append)

    assert round(sum(pauses), 6) == 2.0


def test_two_of_one_project_never_get_the_same():
    wishes = [REDIS, PortWish("cache", 6379, exact=False), PortWish("web", 6379, exact=True)]
    numbers = choose(wishes, {}, NOBODY, seed="/shop", is_free=everything).numbers

    assert numbers["web"] == 6379
    assert len(set(numbers.values())) == 3


def test_a_stable_number_that_is_in_use_is_passed_over():
    taken = Taken({6379: "/blog"}, ())
    first = choose([REDIS], {}, taken, seed="/shop", is_free=everything).numbers["redis"]
    second = choose([REDIS], {}, taken, seed="/shop", is_free=lambda number: number != first).numbers["redis"]

    assert second == first + 1


@pytest.fixture
def listening():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.faults(89)
def test_a_port_is_taken_when_either_loopback_address_has_it(listening):
    assert not is_free(listening)
    if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
        with socket.socket(socket.AF_INET6) as listener:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(("::1", 0))
            listener.listen()
            assert not is_free(listener.getsockname()[1])


def test_a_port_whose_connection_was_just_closed_is_free():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every server does
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()
            client.recv(1)

    assert is_free(port)


def project(tmp_path, name):
    (tmp_path / name / "kept").mkdir(parents=True)
    return str(tmp_path / name / "kept"), str(tmp_path / name), str(tmp_path / "state")


@pytest.mark.faults(88)
def test_an_exact_port_that_is_taken_names_its_holder(listening, tmp_path):
    with pytest.raises(BusyError) as caught:
        allocate(
            *project(tmp_path, "shop"), [PortWish("web", listening, exact=True)], must_be_free=True, sleep=no_pause
        )

    error = caught.value
    assert (error.slug, error.exit_code) == ("port/in-use", 7)
    assert error.what == f"web can't listen on 127.0.0.1:{listening}"
    assert error.causes[0].startswith("held by `")
    assert f"(pid {os.getpid()})" in error.causes[0]
    assert error.help == (f"kill {os.getpid()}", "devboot up --port web=auto")
    assert error.kept == ("nothing was started",)


def test_a_port_of_the_manifest_that_the_command_names_too_is_first_taken_out_of_the_command(listening, tmp_path):
    commands = [Command("web", f"serve --port {listening}", "Procfile:1")]
    (wish,) = port_wishes(commands, {"web": Process(port=listening)}, 5000)
    with pytest.raises(BusyError) as caught:
        allocate(*project(tmp_path, "shop"), [wish], must_be_free=True, sleep=no_pause)

    flagged = "then `devboot up -d --port web=auto`: devboot chooses a free port"
    assert caught.value.help[1:] == (f"write `$PORT` for {listening} in Procfile:1, {flagged}",)
    (wish,) = port_wishes([Command("web", "serve --port $PORT", "Procfile:1")], {"web": Process(port=listening)}, 5000)
    assert not wish.origin


def test_our_own_port_is_no_conflict(listening, tmp_path):
    wish = PortWish("web", listening, exact=True)
    ports = allocate(*project(tmp_path, "shop"), [wish], must_be_free=True, ours=[listening])

    assert ports.numbers == {"web": listening}


def test_an_exact_port_need_not_be_free_when_nothing_is_started(listening, tmp_path):
    wish = PortWish("web", listening, exact=True)

    assert allocate(*project(tmp_path, "shop"), [wish], must_be_free=False).numbers == {"web": listening}


def test_what_is_recorded_stays_while_the_project_runs(listening, tmp_path):
    state, root, user_state = project(tmp_path, "shop")
    Path(state, "ports.toml").write_text(f"web = {listening}\n")
    wish = PortWish("web", 5000, exact=False)

    assert allocate(state, root, user_state, [wish], must_be_free=False) == ({"web": listening}, ())
    assert allocate(state, root, user_state, [wish], must_be_free=True).numbers != {"web": listening}


@pytest.mark.faults(86)
def test_what_runs_keeps_its_number_when_the_record_was_deleted(listening, tmp_path, free_port):
    state, root, user_state = project(tmp_path, "shop")
    Path(state, "ports.toml").write_text(f'"redis.main" = {listening}\n')
    wish = PortWish("redis.main", free_port, exact=False)
    allocate(state, root, user_state, [wish], must_be_free=False)
    Path(state, "ports.toml").unlink()

    assert allocate(state, root, user_state, [wish], must_be_free=False) == ({"redis.main": listening}, ())
    assert read_ports(state) == {"redis.main": listening}


def test_a_deleted_record_is_forgotten_by_what_starts_anew_and_what_another_project_has_taken_since(tmp_path):
    shop, blog = project(tmp_path, "shop"), project(tmp_path, "blog")
    wish = PortWish("web", 23456, exact=False)
    for of_project in (shop, blog):
        Path(of_project[0], "ports.toml").write_text("web = 23457\n")
        allocate(*of_project, [wish], must_be_free=False)
    Path(shop[0], "ports.toml").unlink()

    assert allocate(*shop, [wish], must_be_free=False).numbers == {"web": 23456}
    Path(blog[0], "ports.toml").unlink()
    assert allocate(*blog, [wish], must_be_free=True).numbers != {"web": 23457}


@pytest.mark.faults(90)
def test_two_projects_get_different_numbers_and_keep_them(tmp_path, free_port):
    wish = PortWish("redis.main", free_port, exact=False)
    first = allocate(*project(tmp_path, "shop"), [wish], must_be_free=True)
    second = allocate(*project(tmp_path, "blog"), [wish], must_be_free=True)

    assert first.numbers == {"redis.main": free_port}
    assert second.numbers != first.numbers
    assert read_ports(f"{tmp_path}/blog/kept") == second.numbers
    again = allocate(f"{tmp_path}/blog/kept", f"{tmp_path}/blog", f"{tmp_path}/state", [wish], must_be_free=True)
    assert again == (second.numbers, ())


def test_a_project_that_is_gone_gives_its_numbers_back(tmp_path, free_port):
    wish = PortWish("redis", free_port, exact=False)
    state, root, user_state = project(tmp_path, "shop")
    allocate(state, root, user_state, [wish], must_be_free=True)
    shutil.rmtree(root)

    assert allocate(*project(tmp_path, "blog"), [wish], must_be_free=True).numbers == {"redis": free_port}


@pytest.fixture
def free_port():
    return free_ports()


def test_a_damaged_record_counts_as_none(tmp_path):
    (tmp_path / "ports.toml").write_text("redis = \0")

    assert read_ports(str(tmp_path)) == {}


def test_nobody_is_named_where_nobody_listens(free_port):
    assert listener_on(free_port) is None
    assert in_use("web", free_port).causes == ("held by a program that can't be seen from here",)
    assert project_of(1 << 30) == ""


def test_the_search_for_a_listener_has_an_end(listening):
    with open(os.devnull), open(os.devnull):  # it has more files open than are looked at
        assert listener_on(listening, most=1) is None
    assert listener_on(listening).pid == os.getpid()


def test_of_an_environment_only_the_beginning_is_read():
    long = {"A": "a" * 100_000, "B": "b" * 100_000}
    environment = {"DEVBOOT_ROOT": "/shop", **long, "DEVBOOT_PROCESS": "1:web"}
    with subprocess.Popen(["cat"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        # Its environment can be read once it runs; `Popen` returns a moment earlier.
        child.stdin.write(b"here\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"here\n"
        assert (project_of(child.pid), process_of(child.pid)) == ("/shop", "")


def test_no_other_port_is_advised_where_the_code_of_the_project_names_this_one(listening, tmp_path):
    fixed = PortWish("redis", listening, exact=True, movable=False)
    with pytest.raises(BusyError) as caught:
        allocate(*project(tmp_path, "shop"), [fixed], must_be_free=True, sleep=no_pause)

    assert caught.value.help == (f"kill {os.getpid()}",)
    assert caught.value.causes[1] == "no variable holds it, so code that names this port would not find another one"


@pytest.mark.faults(177)
def test_of_a_running_project_only_the_port_that_was_lost_moves(listening, tmp_path):
    where = project(tmp_path, "shop")
    web, mail = PortWish("web", 5000, exact=False), PortWish("mail.page", 1080, exact=False)
    Path(where[0], "ports.toml").write_text(f'web = {listening}\n"mail.page" = {listening}\n')

    kept = allocate(*where, [web], must_be_free=False)
    assert kept.numbers == {"web": listening}
    Path(where[0], "ports.toml").write_text(f'"mail.page" = {listening}\n')
    moved = allocate(*where, [mail], must_be_free=False, lost=("mail",))

    number = moved.numbers["mail.page"]
    assert number != listening
    ((name, note),) = moved.notes
    assert name == "mail.page"
    assert note.startswith(f"moves from port {listening}, which was taken in the meantime, to {number}: held by `")
    assert read_ports(where[0]) == moved.numbers
    assert allocate(*where, [mail], must_be_free=False, lost=("mail",)).numbers == moved.numbers


@pytest.mark.faults(212)
@pytest.mark.parametrize("is_recorded", [False, True])  # by a `sync`, which starts nothing
def test_an_exact_port_that_is_added_to_a_running_project_has_to_be_free(listening, tmp_path, is_recorded):
    where = project(tmp_path, "shop")
    web, api = PortWish("web", 5000, exact=False), PortWish("api", listening, exact=True)
    recorded = "web = 5000\n" + (f"api = {listening}\n" if is_recorded else "")
    Path(where[0], "ports.toml").write_text(recorded)

    with pytest.raises(BusyError) as caught:
        allocate(*where, [web, api], must_be_free=False, held=(5000,), sleep=no_pause)

    assert caught.value.what == f"api can't listen on 127.0.0.1:{listening}"
    assert [*caught.value.kept] == ["running processes continue"]
    assert Path(where[0], "ports.toml").read_text() == recorded


@pytest.mark.faults(212)
def test_exact_ports_where_a_running_project_listens_are_its_own(listening, tmp_path):
    where = project(tmp_path, "shop")
    api, web = PortWish("api", listening, exact=False), PortWish("web", listening, exact=True)

    numbers = allocate(*where, [api, web], must_be_free=False, held=(listening,)).numbers

    assert numbers["api"] != numbers["web"] == listening


@pytest.mark.faults(177)
def test_an_exact_port_that_a_running_project_has_lost_is_refused(listening, tmp_path):
    where = project(tmp_path, "shop")
    web = PortWish("web", listening, exact=True)

    with pytest.raises(BusyError) as caught:
        allocate(*where, [web], must_be_free=False, lost=("web",), sleep=no_pause)

    assert f"(pid {os.getpid()})" in caught.value.causes[0]
    assert [*caught.value.kept] == ["running processes continue"]


LOOKING_TWICE = """
import os, socket, sys
from devboot.environment.ports.holders import listener_on

looked = []
sys.addaudithook(lambda event, told: looked.append(told) if event == "os.listdir" and told == ("/proc",) else None)
one, other = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
found = [listener_on(each.getsockname()[1]).pid == os.getpid() for each in (one, one, other, one)]
port = one.getsockname()[1]
one.close()
print(found, listener_on(port), len(looked))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/net"), reason="needs /proc")
def test_all_programs_are_searched_once_for_who_listens_on_a_port():
    program = [sys.executable, "-c", LOOKING_TWICE]

    assert subprocess.check_output(program, text=True) == "[True, True, True, True] None 2\n"


def test_twenty_thousand_ports_are_chosen_in_time_proportional_to_their_number():
    wanted = [PortWish(f"p{number}", 1024 + number, exact=False) for number in range(20_000)]
    taken = Taken(dict.fromkeys(range(30000, 60000), "/other"), {80}, name_holder=str)

    ports = choose(wanted, {}, taken, seed="/shop", is_free=everything)

    assert {wish.name: wish.port for wish in wanted} == ports.numbers


def test_more_processes_than_ports_are_an_error_and_no_bug():
    wanted = [PortWish(f"p{number}", 5000, exact=False) for number in range(3)]

    with pytest.raises(BusyError, match="no port is left for `p1`") as caught:
        choose(wanted, {}, NOBODY, seed="/shop", is_free=lambda number: number == 5000)

    assert "port/none-free" == caught.value.slug
