"""Draws docs/images/up.svg and the README's transcript from a real session.

Copies the example to an empty machine's worth of folders (a HOME of its own), runs the commands below in tmux at 80
columns, and writes what the terminal shows. Needs tmux and a network. `python scripts/terminal_picture.py`
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURE = REPOSITORY / "docs" / "images" / "up.svg"
README = REPOSITORY / "README.md"
COMMANDS = ("devboot up -d", "devboot ps", "devboot down")
COLUMNS, ROWS = 80, 60
LIMIT = 600  # seconds for the whole session

# rich's own frame loads a font from elsewhere; this one takes what the reader's machine has.
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
  <title>A first devboot session in a terminal</title>
  <style>
    .{unique_id}-matrix {{
      font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
      font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
    {styles}
  </style>
  <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
    </clipPath>
    {lines}
  </defs>
  {chrome}
  <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">{matrix}</g>
  </g>
</svg>
"""


def main() -> None:
    """Run the session and write both."""
    with tempfile.TemporaryDirectory(prefix="devboot-") as folder:
        screen = session(Path(folder))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture(screen), encoding="utf-8")
    README.write_text(with_transcript(README.read_text(encoding="utf-8"), screen), encoding="utf-8")


def session(folder: Path) -> str:
    """What the terminal shows after the commands, with its colours as escape sequences."""
    project, home = folder / "feedreader", folder / "home"
    tracked = subprocess.check_output(["git", "ls-files", "-z", "examples/feedreader"], cwd=REPOSITORY, text=True)
    for name in filter(None, tracked.split("\0")):
        target = project / Path(name).relative_to("examples/feedreader")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target)
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "devboot").symlink_to(REPOSITORY / "devbootw")
    environ = {
        name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "TMUX", "DEVBOOT_HOME"}
    }
    environ |= {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    subprocess.run([home / "bin" / "devboot", "--version"], env=environ, cwd=project, check=True)  # the tool itself
    script = "\necho\n".join(
        f"printf '\\033[1m$ %s\\033[0m\\n' {shlex.quote(command)}\n{command} || touch failed" for command in COMMANDS
    )
    (folder / "session.sh").write_text(f"clear\n{script}\ntmux wait-for -S shown\ncat\n", encoding="utf-8")
    tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
    size = ["-x", str(COLUMNS), "-y", str(ROWS)]
    command = f"sh {shlex.quote(str(folder / 'session.sh'))}"
    try:
        subprocess.run([*tmux, "new-session", "-d", *size, "-c", str(project), command], env=environ, check=True)
        subprocess.run([*tmux, "wait-for", "shown"], check=True, timeout=LIMIT)
        screen = subprocess.check_output([*tmux, "capture-pane", "-e", "-p", "-t", ":"], text=True).rstrip()
        if (project / "failed").exists():
            raise SystemExit(f"a command failed; nothing is written\n{screen}")
        return screen
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
        subprocess.run([home / "bin" / "devboot", "down"], env=environ, cwd=project, check=False, capture_output=True)


def picture(screen: str) -> str:
    """The screen as an SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen))
    svg = console.export_svg(title="feedreader", theme=SVG_EXPORT_THEME, code_format=FRAME, unique_id="session")
    svg = re.sub(r"<text [^>]*>\n</text>", "", svg)  # line ends, drawn as text beyond the right edge
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def with_transcript(readme: str, screen: str) -> str:
    """The README with the first command's part of the screen in its first console block."""
    first = Text.from_ansi(screen).plain.split(f"\n$ {COMMANDS[1]}\n")[0]
    lines = "\n".join(line.rstrip() for line in first.strip().splitlines())
    return re.sub(r"```console\n.*?```", lambda _: f"```console\n{lines}\n```", readme, count=1, flags=re.DOTALL)


if __name__ == "__main__":
    main()
