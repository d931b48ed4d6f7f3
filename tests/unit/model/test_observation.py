"""What is read of a record, and what a process that is recorded waits for."""

import pytest

from devboot.model.observation import Observation, awaits_answer, read_observations


@pytest.mark.parametrize(
    ("lines", "waits"),
    [
        ("lookup|api.example.test:443||bot.py:3", True),
        ("connect|db:5432||bot.py:3", True),
        ("lookup|cache||bot.py:3", True),
        ("lookup|api.example.test:443||bot.py:3\nfile|.env||bot.py:5", False),
        ("connect|localhost:6379||bot.py:3", False),
        ("connect|127.0.0.1:6379||bot.py:3", False),
        ("connect|unix:/tmp/docker.sock||bot.py:3", False),
        ("unset|A|none|bot.py:3", False),
        ("", False),
    ],
)
def test_a_process_waits_where_the_last_it_did_is_to_connect_to_another_machine(lines, waits, tmp_path):
    path = tmp_path / "bot"
    path.write_text("".join(f"{line}\n" for line in lines.replace("|", "\t").split("\n") if line))

    assert waits == awaits_answer(str(path))


def test_no_record_says_nothing(tmp_path):
    assert ((), False) == (read_observations(str(tmp_path / "none")), awaits_answer(str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "port"),
    [("localhost:6379", 6379), (":::80", 80), ("db", 0), ("db:http", 0), ("a:99999", 0), ("a:9999999", 0)],
)
def test_the_port_of_a_connection(name, port):
    assert port == Observation("connect", name).port
