"""After an edit of comments, messages name the lines where things stand now."""

from __future__ import annotations

import pytest

from devboot import snapshot
from devboot.app.fast.line_numbers import with_current_lines
from devboot.model.process import Plan, ProcessSpec, plan_from_plain, plan_to_plain


@pytest.fixture
def shop(tmp_path):
    for name, text in {"Procfile": "web: a\nworker: b\n", "devboot.toml": "[env]\nA = '1'\n", ".env": "B=1\n"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def compiled(root):
    processes = (
        ProcessSpec("web", "process", str(root), origin="../Procfile:1"),
        ProcessSpec("worker", "process", str(root), origin="../Procfile:2"),
        ProcessSpec("load", "task", str(root), origin="[tasks.load]"),
    )
    forms = {"Procfile": "procfile", "devboot.toml": "toml", ".env": "env"}
    paths = [str(root / name) for name in forms]
    return snapshot.Snapshot(
        str(root),
        plan_to_plain(Plan("shop", str(root), "", (), processes)),
        (),
        snapshot.stamps(paths),
        (),
        variables=(("A", "1", "devboot.toml:2", False), ("B", "1", ".env:1", False), ("C", "x:1", "recipe", False)),
        ports=(("web", 8000, "../Procfile:1"), ("redis", 6379, "")),
        code=tuple((p, form, *snapshot.code_of(p, form)) for p, form in zip(paths, forms.values(), strict=True)),
    )


def test_lines_follow_the_comments_above_them(shop):
    known = compiled(shop)
    (shop / "Procfile").write_text("# all\nweb: a\n\n# one\nworker: b\n")
    (shop / "devboot.toml").write_text("# x\n[env]\n# y\nA = '1' # z\n")

    now = with_current_lines(known)

    assert snapshot.is_fresh(known, str(shop), {})
    origins = [spec.origin for spec in plan_from_plain(now.plan_plain).processes]
    assert origins == ["../Procfile:2", "../Procfile:5", "[tasks.load]"]
    assert [source for _, _, source, _ in now.variables] == ["devboot.toml:4", ".env:1", "recipe"]
    assert now.ports == (("web", 8000, "../Procfile:2"), ("redis", 6379, ""))


def test_without_an_edit_or_with_another_one_nothing_is_renumbered(shop):
    known = compiled(shop)

    assert with_current_lines(known) is known
    (shop / "Procfile").write_text("# all\nweb: other\nworker: b\n")
    assert with_current_lines(known) is known
