"""A temporary project that uses only the tested recipe, run with devboot like any other."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from textwrap import shorten

import devboot
from devboot.environment.ports.allocate import read_ports
from devboot.environment.variables.secrets import load_secrets, password_of
from devboot.errors import WorkError
from devboot.events import NOTE, Event, Reporter
from devboot.model.edge.lockfile.lock import LockedPackage
from devboot.model.edge.recipe.recipe import Exchange
from devboot.model.edge.toml.text import inline, key_text
from devboot.recipes import KnownRecipe
from devboot.services.plan import ACCESS, client_of
from devboot.state.housekeeping import remove_folders
from devboot.state.projects import Projects

# This devboot, wherever it is, without a variable that the project's own programs would inherit.
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(devboot.__file__)))
_START = f"import sys; sys.path.insert(0, {_HOME!r})\nfrom devboot.__main__ import main; sys.exit(main())"
_COMMAND_SECONDS = 900.0  # a download on a slow line, a database that is made
_ASK_SECONDS = 20.0
_SHOWN = 80  # letters of a command
_WORDS = ("host", "port", "user", "password", "socket", "data")  # of the service, for commands of `[test]`
_WRONG = "0" * 64  # a password that isn't it
_INSIDE = ("DEVBOOT_INSIDE", "DEVBOOT_PROCESS", "DEVBOOT_ROOT")  # of the project that this command may belong to


class TrialProject:
    """A temporary project in `root` that uses only the tested recipe."""

    def __init__(
        self, known: KnownRecipe, package: LockedPackage, root: str, environ: Mapping[str, str], reporter: Reporter
    ) -> None:
        self.known = known
        self.package = package
        self.root = root
        self.environ = environ
        self.reporter = reporter
        self.name = known.name
        self._projects = Projects.from_environ(environ)

    def write(self) -> None:
        """Write the project's manifest and link the recipe into its folder of recipes."""
        name, version = key_text(self.name), inline(self.package.version)
        wanted = f"[packages]\n{name} = {version}\n"
        if self.known.recipe.service is not None:
            own = [f'{word} = "${{services.{self.name}.{word}}}"\n' for word in _WORDS]
            own.append(f'{ACCESS} = "${{services.{self.name}.data}}/{ACCESS}"\n')
            wanted = f"[services.{name}]\nversion = {version}\n[env]\n{''.join(own)}"
        with open(os.path.join(self.root, "devboot.toml"), "w", encoding="utf-8") as file:
            file.write('[project]\nname = "recipe-test"\n' + wanted)
        os.symlink(os.path.dirname(os.path.abspath(self.known.folder)), os.path.join(self.root, "recipes"))

    def remove(self) -> None:
        """Stop the project's processes, and delete devboot's folders for it."""
        self.devboot("down", "--quiet", is_checked=False)
        remove_folders(self._projects, self.root)

    def run_tool(self) -> str:
        """Run the tool with its version flag through PATH, and return a line with the result.

        Raises WorkError `recipe/test-failed`.
        """
        rows = (self.known.origin(row.source, row.name) for row in self.package.rows().values())
        origin = next((found for found in rows if found is not None), self.known.recipe.source[0])
        program = origin.programs[0]
        asks = self.known.recipe.test.version
        self.devboot("sync")
        said = self.devboot("run", "--no-sync", "--", program, *shlex.split(asks), has_errors=True).strip()
        if self.package.version not in said:
            raise failed(self.name, f"`{program} {asks}` doesn't name {self.package.version}", said.splitlines()[:3])
        return f"`{program} {asks}` says {self.package.version}"

    def run_service(self) -> str:
        """Test the service: start, query, restart, check kept data, stop, check that its port is free.

        Returns a line with the result. Raises WorkError `recipe/test-failed`.
        """
        test, port, asked = self.known.recipe.test, 0, 0
        for exchange in (test.ask, test.kept) if test.kept else (test.ask,):
            self.devboot("up", "--detach")
            (process,) = json.loads(self.devboot("ps", "--json"))["processes"]
            port = process["port"]
            if exchange is not None:
                self._ask(port, exchange)
                asked += 1
            if test.stranger is not None and not self._is_private_socket:
                self._ask(port, test.stranger, password=_WRONG)
            self.devboot("down")
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
        kept = ", and keeps its data over a restart" if test.kept else ""
        return f"{self.package.version} gets ready, {'answers, ' if asked else ''}stops{kept}"

    def _ask(self, port: int, exchange: Exchange, password: str = "") -> None:
        """Send a request to the service and compare its answer.

        A given `password` is a wrong one that must be refused.
        """
        said = self._run(exchange.run, password) if exchange.run else self._talk(port, exchange, password)
        if not said.startswith(exchange.expect):
            raise failed(self.name, "its answer differs from what `[test]` expects", [said[:100]])

    def _run(self, command: str, password: str) -> str:
        """Return the output of a shell command run beside the service, which may use $bin, $port_… and `_WORDS`."""
        origin = next(each for each in self.known.recipe.source if each.programs)
        ports = read_ports(self._projects.state_of(self.root))
        further = (f"port_{name.partition('.')[2]}={number}; " for name, number in ports.items() if "." in name)
        place = f'bin=$(dirname "$(command -v {shlex.quote(origin.programs[0])})"); '
        given = f"password={password}; " if password else ""
        if client := client_of(self.known.recipe):
            given += f"client={shlex.quote(client)}; "
        return self.devboot("run", "--no-sync", "--", "/bin/sh", "-c", f"{place}{''.join(further)}{given}{command}")

    def _talk(self, port: int, exchange: Exchange, password: str) -> str:
        known = load_secrets(self._projects.data_of(self.root))
        send = exchange.send.replace("{password}", password or known[password_of(self.name)])
        wanted = exchange.expect.encode("latin-1")
        with socket.create_connection(("127.0.0.1", port), timeout=_ASK_SECONDS) as connection:
            connection.sendall(send.encode("latin-1"))
            answer = b""
            while len(answer) < len(wanted) and (block := connection.recv(4096)):
                answer += block
        return answer.decode("latin-1")

    @property
    def _is_private_socket(self) -> bool:
        """Return whether only the socket's file mode protects the service, so that this user can't test the refusal."""
        service = self.known.recipe.service
        return service is not None and service.access is not None and service.access.private.socket_only

    def devboot(self, *words: str, is_checked: bool = True, has_errors: bool = False) -> str:
        """Run a devboot command in the project and return its output; `has_errors` includes stderr.

        Raises WorkError with the end of the output if it failed.
        """
        environ = {name: value for name, value in self.environ.items() if name not in _INSIDE}
        command = [sys.executable, "-P", "-c", _START, "-C", self.root, *words]
        ended = subprocess.run(
            command,
            env={**environ, "DEVBOOT_PLAIN": "1"},
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_COMMAND_SECONDS,
            check=False,
            cwd=self.root,
        )
        if is_checked and ended.returncode:
            raise failed(self.name, f"`devboot {' '.join(words)}` failed", ended.stderr.strip().splitlines()[-12:])
        if is_checked:
            self.reporter.emit(Event(NOTE, "real", shorten(f"devboot {' '.join(words)}", _SHOWN, placeholder=" …")))
        return ended.stdout + (ended.stderr if has_errors else "")


def failed(name: str, cause: str, details: Sequence[str]) -> WorkError:
    """Return the error for a failed step of `recipe test`."""
    return WorkError(
        "recipe/test-failed",
        f"the recipe `{name}` fails its test",
        causes=[cause],
        details=list(details),
        help=[f"edit recipes/{name}/recipe.toml, then `devboot recipe test {name}`"],
    )
