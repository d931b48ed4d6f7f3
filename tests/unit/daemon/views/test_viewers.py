"""What viewers are shown: rendered once a kind, lines never mixed, losses counted."""

from __future__ import annotations

from devboot.daemon.clients.request import View
from devboot.daemon.views.viewers import Viewer, Viewers
from devboot.wire import frames

PLAIN = View(unicode=False, timestamps="none")


class RecordingConnection:
    """Takes `room` blocks of output, then is full until told otherwise."""

    def __init__(self, room=1000):
        self.room = room
        self.sent = b""
        self.errors = ""
        self.left_out = 0
        self.on_room = None
        self.is_catching_up = False

    def call(self, function, *args, **named):
        function(*args, **named)

    def offer(self, payload):
        if self.room <= 0:
            self.left_out += payload.count(b"\n")
            return False
        self.room -= 1
        self.sent += payload
        return True

    def say(self, text, kind=frames.ERR):
        self.send(kind, text.encode())

    def send(self, kind, payload):
        if kind == frames.OUT:
            self.sent += payload
        else:
            self.errors += payload.decode()

    def take_left_out(self, *, at_end=False):
        if self.room <= 0 and not at_end:
            return 0
        count, self.left_out = self.left_out, 0
        return count


def watched(room=1000, names=frozenset(), view=PLAIN):
    viewers = Viewers(["web", "worker"])
    connection = RecordingConnection(room)
    viewers.add(Viewer(connection, view, names))
    return viewers, connection


def test_lines_of_several_processes_stay_whole():
    viewers, connection = watched()

    viewers.output("web", b"Password: ", 0.0)
    viewers.output("worker", b"one\n", 0.0)
    viewers.output("web", b"ok\n", 0.0)
    viewers.output("worker", b"half", 0.0)
    viewers.output("worker", b" and half\n", 0.0)

    assert connection.sent == (b"web    | Password: \nworker | one\nweb    | ok\nworker | half and half\n")


def test_words_of_devboot_never_stand_in_an_unended_line():
    viewers, connection = watched()

    viewers.output("web", b"prompt> ", 0.0)
    viewers.say("web gave up\n")
    viewers.output("web", b"x\n", 0.0)

    assert connection.sent == b"web    | prompt> \nweb    | x\n"
    assert connection.errors == "web gave up\n"


def test_a_viewer_of_some_sees_only_those_with_their_own_width():
    viewers, connection = watched(names=frozenset({"web"}))

    viewers.output("worker", b"no\n", 0.0)
    viewers.output("web", b"yes\n", 0.0)

    assert connection.sent == b"web | yes\n"


def test_what_was_left_out_is_counted_and_said_once_there_is_room():
    viewers, connection = watched(room=1)

    viewers.output("web", b"one\n", 0.0)
    viewers.output("web", b"two\nthree\n" * 700, 0.0)
    connection.room = 10
    viewers.output("web", b"four\n", 0.0)

    assert connection.sent == b"web    | one\n... 1 400 lines not shown (in the log)\nweb    | four\n"


def test_at_the_end_what_was_left_out_is_said_to_those_without_room_too():
    viewers, connection = watched(room=1)

    viewers.output("web", b"one\n", 0.0)
    viewers.output("web", b"two\nthree\n", 0.0)
    viewers.end()

    assert connection.sent == b"web    | one\n... 2 lines not shown (in the log)\n"


def test_viewers_of_one_kind_share_the_rendering():
    viewers, first = watched()
    second = RecordingConnection()
    viewers.add(Viewer(second, PLAIN))

    assert (prefixers := [viewers.prefixer(each) for each in viewers])[0] is prefixers[1]
    viewers.output("web", b"x\n", 0.0)
    assert first.sent == second.sent == b"web    | x\n"


def test_only_who_is_shown_a_process_makes_it_wait():
    viewers, connection = watched(names=frozenset({"web"}))
    connection.is_catching_up = True

    assert [viewers.is_catching_up(name) for name in ("web", "worker", "")] == [True, False, True]


def test_who_has_left_is_shown_nothing():
    viewers, connection = watched()

    viewers.remove(connection)
    viewers.output("web", b"x\n", 0.0)

    assert (connection.sent, len(viewers)) == (b"", 0)


def test_what_is_held_back_comes_after_the_first_words_in_order():
    viewers, connection = watched()
    viewer = next(iter(viewers))
    viewer.hold()
    viewers.output("web", b"one\n", 0.0)
    viewers.output("worker", b"two\n", 0.0)
    assert connection.sent == b""

    viewer.say("is up\n", first=True)

    assert connection.errors == "is up\n"
    assert connection.sent == b"web    | one\nworker | two\n"


def test_more_than_a_screenful_or_a_word_of_trouble_is_not_held_back():
    viewers, connection = watched()
    next(iter(viewers)).hold()
    viewers.output("web", b"x" * 70000 + b"\n", 0.0)
    assert len(connection.sent) > 70000

    next(iter(viewers)).hold()
    viewers.output("web", b"why\n", 0.0)
    viewers.say("web: exit 1\n")
    assert connection.sent.endswith(b"web    | why\n")


def test_a_pause_ends_by_its_own_word_alone_and_counts_what_there_was_no_room_for():
    viewers, connection = watched()
    viewer = next(iter(viewers))
    viewer.hold(pause=True)
    viewers.output("web", b"kept\n", 0.0)
    viewers.output("web", b"y\n" * 70000, 0.0)
    viewers.say("a note\n")
    viewer.release()
    assert connection.sent == b""

    viewer.release(resume=True)

    assert connection.sent == b"web    | kept\n... 70 000 lines not shown (in the log)\n"


def test_a_program_gets_blocks_as_they_came():
    viewers, connection = watched(view=PLAIN._replace(raw=True))

    viewers.output("web", b"\x1b[1mone\x1b[0m\r\n", 12.5)

    assert connection.sent == b"12.500 web\n\x1b[1mone\x1b[0m\r\n"
