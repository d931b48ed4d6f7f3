"""Help topics against the code that they describe."""

import re
from pathlib import Path

import devboot
from devboot.cli.commands.topics import EXIT_CODES, VARIABLES, environment, exit_codes
from devboot.errors import Exit

CODE = [path.read_text(encoding="utf-8") for path in Path(devboot.__file__).parent.rglob("*.py")]
READ = re.compile(r'environ(?:\.get\(|\[|, )"([A-Z][A-Z_]+)"')
# For our own tests; handed to children; a runner's own.
OTHER = {"DEVBOOT_TEST", "DEVBOOT_FAIL_POINT", "OVERMIND_SKIP_ENV", "UV_NO_INDEX", "NO_UPDATE_NOTIFIER"}
# Of the code that onboarding evaluates; written for a library of ours
OTHER |= {"DATABASE_URL", "PYDANTIC_DISABLE_PLUGINS"}
OTHER |= {"FLASK_APP", "PYTHONPATH"}  # of the project's processes, for an import of its code
OTHER |= {"VIRTUAL_ENV"}  # doctor names one that belongs to another project
OTHER |= {"APT_CONFIG", "DEVBOOT_HOSTS", "DEVBOOT_RECORD", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"}

# uv's own; devboot only asks it once less, and makes the folder of a cache
OTHER |= {"UV_PYTHON_DOWNLOADS", "UV_CACHE_DIR"}

# Handed on to builds, with the folders of libraries added
OTHER |= {"CMAKE_PREFIX_PATH", "CPATH", "LDFLAGS", "LIBRARY_PATH", "PKG_CONFIG_PATH"}


def test_every_variable_that_the_code_reads_is_in_the_topic():
    read = {name for text in CODE for name in READ.findall(text)}
    assert read - {variable.name for variable in VARIABLES} - OTHER == set()


def test_the_topic_names_no_variable_that_the_code_does_not_know():
    text = "".join(text for text in CODE if "EXIT_CODES" not in text)
    assert [variable.name for variable in VARIABLES if f'"{variable.name}"' not in text] == []


def test_the_topic_tells_the_value_now_and_who_set_it():
    lines = environment({"NO_COLOR": "1", "DEVBOOT_HOME": ""}).split("\n")
    assert re.split(r"  +", lines[0]) == ["NAME", "WHAT IT DOES", "SET BY", "NOW"]
    told = {line.split("  ")[0]: re.split(r"  +", line)[2:4] for line in lines[1:] if line}
    assert told["NO_COLOR"] == ["environment", "1"]
    assert told["DEVBOOT_HOME"] == ["environment", '""']
    assert told["DEVBOOT_PLAIN"] == ["default", "off"]


def test_every_exit_code_has_its_meaning():
    codes = {value for name, value in vars(Exit).items() if name.isupper()}
    assert codes <= {code for code, _ in EXIT_CODES}
    assert " 130  interrupted by ctrl-c\n" in exit_codes()
