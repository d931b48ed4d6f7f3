"""Start public projects that nobody prepared, as a newcomer would, and count what happens.

    python scripts/clones.py LIST --mirror DIR [--jobs N] [--devboot PATH] [--only NAME] [--keep DIR] [--results FILE]

LIST has one project a line: OWNER/NAME, commit, expected class, remark, separated by tabs; `#` begins a comment. DIR
holds a clone of each, as `OWNER+NAME/repo`; none of their code is in this repository. Each project is cloned into a
temporary folder and started with `devboot up -d` in an empty home. Only downloads are shared between them.

Classes:
    A   runs and answers: each process is alive after a few seconds, and each address answers without a server error
    B   one exact step, then A: the first `help:` line of the error was pasted, and `up -d` typed again
    C   impossible on this machine, and the error says so in one sentence (MACHINE below lists these errors)
    D   everything else: devboot's fault until somebody has found out that it isn't
    U   "is up" without anything useful: a false claim, the worst of D

A class that a person has judged differently stands in LIST with its reason, and wins over D; it never hides a U.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import dataclasses
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MACHINE = ("python/not-found", "python/version", "network/", "lock/no-artifact", "python/no-version")
SETTLED = 6.0  # seconds after which a process that only seemed to start has ended
TIME_LIMIT = 900.0  # seconds for one `up -d`
SHOWS = (
    "devboot logs",
    "devboot up",
    "devboot help",
    "devboot explain",
    "devboot ps",
    "devboot restart",
    "devboot init --e",
)
COMMAND = re.compile(r"(?:sed|echo|printf|mv|cp|uv|git|python\d?) |devboot ")  # a line of help that is one as a whole
INNER = re.compile(r"^help: \S+ -C (\S+) up$", re.MULTILINE)  # the application is in a folder of the clone
NO_PROCESS = re.compile(r"`(devboot run -- [^`]+)` runs its program.* has no process of its own", re.DOTALL)
FILL_IN = "replace-me"  # what a person would type for a key of somebody's account
FORMS = {"number": "1", "URL": "http://localhost"}  # and where the error says how the value is read


@dataclasses.dataclass(frozen=True)
class Project:
    """A line of the list."""

    name: str
    commit: str
    expected: str
    remark: str


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a project: class, one sentence, seconds of the first `up -d`, whole output."""

    name: str
    kind: str
    reason: str
    seconds: float
    output: str


def parse_list(text: str) -> list[Project]:
    """Parse the lines of a list."""
    rows = (line.split("\t") for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [Project(*(part.strip() for part in [*row, "", "", ""][:4])) for row in rows]


class Trial:
    """One project in a folder of its own, with an empty home."""

    def __init__(self, project: Project, mirror: str, devboot: str, folder: str, cache: str) -> None:
        self.project = project
        self.mirror = os.path.join(mirror, project.name.replace("/", "+"), "repo")
        self.devboot = devboot
        self.root = os.path.join(folder, project.name.partition("/")[2])
        self.home = os.path.join(folder, "home")
        own = ("DEVBOOT", "XDG_", "VIRTUAL")
        passed = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        self.env = {**passed, "HOME": self.home, "UV_CACHE_DIR": cache, "DEVBOOT_ALLOW_ROOT": "1"}
        self.output = ""

    def run(self) -> Outcome:
        """Clone, start, look, try the advice, stop."""
        os.makedirs(self.home)
        subprocess.run(["git", "clone", "-q", self.mirror, self.root], capture_output=True, check=False)
        if not os.path.isdir(os.path.join(self.root, ".git")):  # a mirror without some large files fails, and will do
            return Outcome(self.project.name, "missing", "no clone of it in the mirror", 0.0, "")
        if self.project.commit:
            checkout = ["git", "-C", self.root, "checkout", "-q", self.project.commit]
            subprocess.run(checkout, capture_output=True, check=False)
        began = time.monotonic()
        try:
            kind, reason = self.judge(*self.up())
            seconds = time.monotonic() - began
            if kind == "D" and (inner := INNER.search(self.output)):
                kind, reason = self.inside(inner[1], reason)
            elif kind == "D" and (step := self.advice()):
                kind, reason = self.after(step, reason)
        finally:
            self.call("down", limit=60)
        return Outcome(self.project.name, kind, reason, seconds, self.output)

    def up(self) -> tuple[int, str]:
        """Type `devboot up -d`; its exit code and output."""
        return self.call("up", "-d", limit=TIME_LIMIT)

    def call(self, *args: str, limit: float) -> tuple[int, str]:
        """Run devboot in the clone; exit code 124 at the time limit."""
        return self.shell([self.devboot, *args], limit)

    def shell(self, command: list[str], limit: float) -> tuple[int, str]:
        """Run a command in the clone; exit code 124 at the time limit."""
        with tempfile.TemporaryFile() as file:
            process = subprocess.Popen(
                command, cwd=self.root, env=self.env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
                code = 124
            file.seek(0)
            text = file.read().decode(errors="replace")
        self.output += f"$ {' '.join(command)}\n{text}(exit code {code})\n"
        return code, text

    def judge(self, code: int, text: str) -> tuple[str, str]:
        """The class after an `up -d`, with the reason in a sentence."""
        if code == 124:
            return "D", f"no end after {TIME_LIMIT:.0f} s"
        if code:
            error = re.search(r"^error\[([^\]]+)\]: (.*)", text, re.MULTILINE)
            slug, sentence = error.groups() if error else ("", text.strip().splitlines()[-1] if text.strip() else "")
            return "C" if slug.startswith(MACHINE) else "D", f"{slug}: {sentence}"
        program = NO_PROCESS.search(text.replace(f"{self.devboot} ", "devboot "))
        if program:  # it says so, with the command of a program that ends
            failed = self.shell(["/bin/sh", "-c", program[1].replace("devboot ", f"{self.devboot} ")], TIME_LIMIT)[0]
            return ("D" if failed else "B"), f"its servers run for `{program[1]}`"
        time.sleep(SETTLED)
        wrong = self.look(text)
        return ("U", wrong) if wrong else ("A", "runs and answers")

    def look(self, text: str) -> str:
        """What an "is up" hides; empty if nothing."""
        code, answer = self.call("ps", "--json", limit=30)
        if code:
            return "nothing runs after `up -d` returned 0"
        processes = [row for row in json.loads(answer.splitlines()[0])["processes"] if row["kind"] == "process"]
        if not processes:
            return "is up without a process"
        for row in processes:
            if row["phase"] not in ("running", "ready", "stopped"):
                return f"{row['name']} is {row['phase']}, restarted {row['restarts']} times"
        addresses = set(re.findall(r"https?://(127\.0\.0\.1:\d+|localhost:\d+|\[::1\]:\d+)", text))
        for address in sorted(addresses):
            if failure := answers(address):
                return failure
        return ""

    def inside(self, folder: str, reason: str) -> tuple[str, str]:
        """Start the application in a folder that the error names, and stop it."""
        above, self.root = self.root, os.path.join(self.root, folder)
        kind, more = self.judge(*self.up())
        self.call("down", limit=60)
        self.root = above
        return ("B", f"in `{folder}`") if kind == "A" else (kind, f"{reason}; in `{folder}`: {more}")

    def advice(self) -> str:
        """The first command that the error offers and that changes something, with its placeholder filled in."""
        output = self.output.replace(f"{self.devboot} ", "devboot ")  # a checkout's messages name its launcher
        for line in re.findall(r"^ *help: (.*)", output, re.MULTILINE):
            quoted = re.search(r"`([^`]+)`", line)
            step = quoted[1] if quoted and not COMMAND.match(line) else line.strip()
            if not step.startswith((*SHOWS, "devboot -C")):  # another project isn't ours to stop
                return re.sub(r"(\w+)=(?:\.\.\.|…|'\.\.\.'|VALUE|<[^>]*>)", self.filled_in, step)
        return ""

    def filled_in(self, variable: re.Match[str]) -> str:
        """A variable with a value that the code can read."""
        form = re.search(rf"{variable[1]}\b.*?read at \S+ as a (\w+)", self.output)
        return f"{variable[1]}={FORMS[form[1]] if form else FILL_IN}"

    def after(self, step: str, reason: str) -> tuple[str, str]:
        """Paste the step, as far as a shell takes it, and start again."""
        is_program = step.startswith("devboot run ")
        step = step.replace("devboot ", f"{self.devboot} ")
        if self.shell(["/bin/sh", "-c", step], TIME_LIMIT)[0]:
            return "D", reason
        if is_program:  # nothing to start, and that is said with the command of a program that ends
            return "B", f"its program runs by `{step}`"
        kind, more = self.judge(*self.up())
        return ("B", f"after `{step}`") if kind == "A" else ("D", f"{reason}; after `{step}`: {more}")


def answers(address: str) -> str:
    """What is wrong with the page at an address; empty if it answers, whatever it says, without a server error."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=20)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"http://{address} does not answer: {error}"
    finally:
        connection.close()
    return f"http://{address} answers {status}" if status >= 500 else ""


def judged(project: Project, outcome: Outcome) -> Outcome:
    """The outcome with a person's judgement of a D."""
    if outcome.kind == "D" and project.expected in ("B", "C"):
        return dataclasses.replace(outcome, kind=project.expected, reason=f"{project.remark} ({outcome.reason})")
    return outcome


def summary(outcomes: list[Outcome]) -> str:
    """The counts, and the shares of what isn't impossible."""
    counts = collections.Counter(outcome.kind for outcome in outcomes)
    possible = sum(counts[kind] for kind in "ABDU") or 1
    return (
        f"{' '.join(f'{kind} {counts[kind]}' for kind in 'ABCDU')}, missing {counts['missing']}: "
        f"A {100 * counts['A'] / possible:.0f} %, A and B {100 * (counts['A'] + counts['B']) / possible:.0f} % "
        f"of {possible} that can run here"
    )


def attempt(project: Project, options: argparse.Namespace) -> Outcome:
    """Try one project and clear up."""
    folder = tempfile.mkdtemp(prefix="clone-")
    try:
        outcome = judged(project, Trial(project, options.mirror, options.devboot, folder, options.cache).run())
        if options.keep:
            path = os.path.join(options.keep, project.name.replace("/", "+") + ".txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"{outcome.kind}: {outcome.reason}\n{outcome.output}")
        return outcome
    finally:
        end_leftovers(folder)
        subprocess.run(["chmod", "-R", "u+w", folder], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def end_leftovers(folder: str) -> None:
    """Kill what still stands in a folder, and say so: `down` should have left nothing."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd").startswith(folder):
                print(f"left over: pid {pid} in {folder}", file=sys.stderr, flush=True)
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue


def main() -> int:
    """Try each project of the list; 1 if a claim was false or an expectation failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list")
    parser.add_argument("--mirror", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--devboot", default=os.path.join(HERE, "devbootw"))
    parser.add_argument("--only", action="append")
    parser.add_argument("--keep", help="folder for the whole output of each")
    parser.add_argument("--results", help="file for one JSON object a project")
    parser.add_argument("--cache", default=os.path.join(tempfile.gettempdir(), "clones-uv-cache"))
    options = parser.parse_args()
    with open(options.list, encoding="utf-8") as file:
        projects = [project for project in parse_list(file.read()) if not options.only or project.name in options.only]
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    outcomes: list[Outcome] = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(lambda project: attempt(project, options), projects):
            outcomes.append(outcome)
            print(f"{outcome.kind}  {outcome.name}  {outcome.seconds:.0f} s  {outcome.reason}", flush=True)
            if options.results:
                with open(options.results, "a", encoding="utf-8") as file:
                    file.write(json.dumps(dataclasses.asdict(outcome)) + "\n")
    print(summary(outcomes))
    return int(any(outcome.kind in ("U", "D") for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
