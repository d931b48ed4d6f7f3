"""Bots: programs that stay connected to a chat service, recognised by their libraries."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Candidate, Clone, Framework
from devboot.onboarding.frameworks.serving_script import RUNS, script_command
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.containers.image_commands import image_command
from devboot.onboarding.reading.layout import (
    application_at,
    cwd_of,
    find_in_modules,
    has_input,
    main_folder,
    sources_of,
)
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.machine import Need

_LIBRARIES = (
    "discord", "nextcord", "disnake", "hikari", "interactions", "telegram", "telebot", "aiogram", "pyrogram",
    "telethon", "slack_bolt", "twitchio", "vkbottle",
)  # fmt: skip
_CHATS = re.compile(rf"^[ \t]*(?:from|import)\s+(?:{'|'.join(_LIBRARIES)})\b", re.MULTILINE)
_STAYS = re.compile(
    r"\.(?:run_polling|start_polling|infinity_polling|polling|run_until_disconnected|run_forever)\(|\bidle\(\)|"
    r"\b_?(?:bot|client|app|application)\w*\.(?:run|start)\(|SocketModeHandler\(",
    re.IGNORECASE,
)
_STARTS = re.compile(r"(?:^|/)(?:[\w-]*bot|__main__|main|run|app)\.py$")
_TOKEN = re.compile(r"""\b(?:getenv|environ\.get)\(\s*["'](\w*TOKEN)["']\s*\)""")


class Bot(Framework):
    """Recognises programs that use discord.py, aiogram, python-telegram-bot, slack-bolt and similar libraries."""

    name = "bot"

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield modules that connect to a chat service, and start modules beside them."""
        talking: dict[str, Evidence] = {}
        for where, _ in find_in_modules(tree, _STAYS, *_LIBRARIES):
            if tree.matches(where.path, _CHATS):
                talking.setdefault(where.path, where)
        folders = {posixpath.dirname(path) for path in talking}
        beside = [p for p in tree.python_files() if posixpath.dirname(p) in folders and _STARTS.search(p)]
        folder = main_folder(tree)
        for path in dict.fromkeys((*talking, *beside)):
            if posixpath.basename(path) == "__main__.py" or RUNS.search(tree.text(path) or ""):
                made = application_at(tree, self.name, talking.get(path, Evidence(path)))
                root = made.root if has_input(tree, made.root) else folder
                app = replace(made, folder=root, root=root, sources=(*made.sources, *sources_of(tree, root)))
                rank = (path.count("/"), int(not _STARTS.search(path)), int(path not in talking), path)
                yield Candidate(rank, app)

    def web(self, clone: Clone) -> Process | None:
        """Return the process of the bot: the program that the clone's image starts, else the module."""
        tree, app = clone.tree, clone.app
        command, where = image_command(tree, app) or (script_command(tree, app, app.path), app.evidence)
        return Process("bot", command, cwd_of(app), None, where)

    def needs(self, clone: Clone) -> Sequence[Need]:
        """Return the variables for the bot's token, without which it can't start."""
        path = clone.app.path
        return [Need(each[1], Evidence.at(path, each)) for each in _TOKEN.finditer(clone.tree.text(path) or "")]
