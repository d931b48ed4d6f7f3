"""The rules of .gitignore, with git as the oracle."""

from __future__ import annotations

import os
import random
import shutil
import subprocess

import pytest

from devboot.watching.ignoring import Rules, is_ignored, parse_rules

FILES = (
    "a.py", "b.pyc", "build/x.py", "shop/build/y.py", "shop/a.log", "a.log", "keep.log", "shop/keep.log",
    "docs/api/x.md", "docs/x.md", "docs/a/b/x.md", "foo bar", "trailing", "#hash", "!bang", "a[1].txt", "deep/er/file",
    "temp/one/two", "Temp2", "x.tmp/inner", "star*name", "starXname",
)  # fmt: skip
TEXTS = (
    "*.pyc\n",
    "build/\n",
    "/build\n",
    "*.log\n!keep.log\n",
    "docs/**/x.md\n",
    "docs/*.md\n",
    "**/api\n",
    "docs/**\n!docs/x.md\n",
    "foo\\ bar\ntrailing   \n",
    "\\#hash\n\\!bang\n# a comment\n\n",
    "a\\[1\\].txt\n",
    "a[[]1].txt\n",
    "deep/er\n",
    "/temp/*\n",
    "temp/**/two\n",
    "[tT]emp2\n",
    "*.tmp\n",
    "star\\*name\n",
    "*\n!*.py\n",
    "*\n!*/\n!*.py\n",
    "[!a].py\n",
    "/\n//\n!\n",
    "shop\n!shop/keep.log\n",
)


def ours(root, text):
    """Paths that are ignored by our reading, folder by folder as the watch goes."""
    chain = (Rules(root, parse_rules(text)),)
    found = set()
    for folder, folders, files in os.walk(root):
        dropped = {name for name in folders if is_ignored(f"{folder}/{name}", chain, is_folder=True)} | {".git"}
        for name in dropped - {".git"}:
            found |= {f"{inner}/{file}" for inner, _, names in os.walk(f"{folder}/{name}") for file in names}
        folders[:] = [name for name in folders if name not in dropped]
        found |= {f"{folder}/{name}" for name in files if is_ignored(f"{folder}/{name}", chain, is_folder=False)}
    return {path.removeprefix(f"{root}/") for path in found}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@pytest.mark.parametrize("text", TEXTS)
def test_a_file_is_ignored_where_git_ignores_it(tmp_path, text):
    root = str(tmp_path)
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".gitignore").write_text(text)
    subprocess.run(["git", "init", "-q", root], check=True)
    answer = subprocess.run(
        ["git", "-C", root, "check-ignore", "--stdin", "-z"],
        input="\0".join(FILES), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert set(filter(None, answer.stdout.split("\0"))) == ours(root, text) - {".gitignore"}


_NAMES = ("*", "**", "build", "shop", "docs", "x.*", "*.md", "*.log", "keep.log", "[a-x]*", "api", "temp", "one", "?*",
          "a.py", "\\#hash", "[!a]*", "*.tmp", "deep", "er")  # fmt: skip


def any_line(rnd):
    inner = "/".join(rnd.choices(_NAMES, k=rnd.choice([1, 1, 2, 2, 3])))
    return rnd.choice(["", "", "", "!", "/", "!/"]) + inner + rnd.choice(["", "", "/", " ", "\\ "])


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
def test_any_rules_ignore_what_git_ignores(tmp_path):
    rnd = random.Random(7)
    texts = ["".join(f"{any_line(rnd)}\n" for _ in range(rnd.randint(1, 3))) for _ in range(60)]
    for number, text in enumerate(texts):
        for name in FILES:
            (tmp_path / str(number) / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / str(number) / name).write_text("")
        (tmp_path / str(number) / ".gitignore").write_text(text)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    answer = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--stdin", "-z"],
        input="\0".join(f"{number}/{name}" for number in range(len(texts)) for name in FILES),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    theirs = set(filter(None, answer.stdout.split("\0")))

    for number, text in enumerate(texts):
        found = {f"{number}/{name}" for name in ours(str(tmp_path / str(number)), text) - {".gitignore"}}
        assert found == {name for name in theirs if name.startswith(f"{number}/")}, text
