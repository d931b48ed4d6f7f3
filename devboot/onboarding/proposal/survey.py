"""Finds the application of a clone and reads everything around its code."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from devboot.onboarding.frameworks.application import find_application
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import framework_of
from devboot.onboarding.frameworks.processes import composed_workers
from devboot.onboarding.front_ends.front_end import with_root_of_both
from devboot.onboarding.packages.extras_and_groups import packages_of_chosen, with_chosen
from devboot.onboarding.packages.imported import with_imported
from devboot.onboarding.packages.lists import with_covering_list, with_list_above
from devboot.onboarding.packages.programs import list_with_program
from devboot.onboarding.packages.runner_of_tests import with_test_runner
from devboot.onboarding.packages.written_for import with_limits
from devboot.onboarding.reading.containers.compose import read_compose
from devboot.onboarding.reading.dotenv import read_env_files
from devboot.onboarding.reading.procfile import find_procfile, program, with_procfile_above
from devboot.onboarding.reading.python import dependencies, find_input, name_of
from devboot.onboarding.reading.tree import Tree


def survey(tree: Tree, environ: Mapping[str, str]) -> Clone:
    """Find the application of a clone and collect the facts that need no evaluation of its code.

    `environ` is for git.
    """
    found = find_application(tree)
    both = with_root_of_both(tree, found)
    app = with_procfile_above(tree, both)
    folders = tuple(dict.fromkeys((app.root, app.folder, ".")))
    compose = read_compose(tree, folders)
    beside = posixpath.dirname(app.path) or "."
    files = read_env_files(tree, tuple(dict.fromkeys((*folders, beside))), environ)
    compose = compose.filled({n: v.text for table in (files.examples, files.committed) for n, v in table.items()})
    hints = {
        **{n: v.text for n, v in files.examples.items()},
        **compose.variables(),
        **{n: v.text for n, v in files.committed.items()},
    }
    framework = framework_of(app.framework)
    settings = framework.settings(tree, app, hints)
    python, notes = find_input(tree, found.root, settings.module)
    way = posixpath.relpath(found.root, app.root)
    python = replace(python, requirements=tuple(posixpath.normpath(f"{way}/{each}") for each in python.requirements))
    if app.root != both.root:
        python = with_list_above(tree, app, python)
    python, list_notes = with_covering_list(tree, app, python)
    notes += list_notes
    python = with_chosen(tree, app, python)
    procfile = find_procfile(tree, app.root)
    packages = dependencies(tree, app.root, python.requirements)
    if procfile is not None:
        commands = [entry.command for entry in procfile.processes()]
    else:
        commands = [each.command for each in composed_workers(tree, compose, app) if each.command]
    for command in commands:
        more = list_with_program(tree, app.root, python.requirements, packages, program(command))
        if more is not None:
            python = replace(python, requirements=(*python.requirements, more))
            packages = dependencies(tree, app.root, python.requirements)
    packages |= dict.fromkeys(packages_of_chosen(tree, app, python) - packages.keys(), "")
    python, more_notes = with_imported(tree, app, python, packages, commands, starts_itself=procfile is not None)
    notes += more_notes
    python, test_notes = with_test_runner(tree, app, python, packages)
    notes += test_notes
    packages = {**packages, **{name_of(each): "" for each in python.packages}}
    python, limit_notes = with_limits(tree, app, python, packages)
    notes += limit_notes
    return Clone(tree, app, framework, python, packages, compose, files, settings, procfile, notes)
