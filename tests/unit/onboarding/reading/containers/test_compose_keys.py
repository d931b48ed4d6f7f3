"""Every key of the compose specification: read, noted, or without meaning here for a reason."""

import pytest

from devboot.onboarding import render
from devboot.onboarding.reading.containers.compose_keys import (
    NOTED,
    READ,
    TOP_READ,
    TOP_WITHOUT_MEANING,
    WITHOUT_MEANING,
)

# As the specification names them, those of former versions included
SERVICE = """
    annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count
    cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on
    deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname driver_opts entrypoint env_file
    environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation
    label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models
    network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop privileged
    profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt shm_size
    stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts
    volumes volumes_from working_dir
"""
TOP = "configs include models name networks secrets services version volumes"

PLAIN = "    build: .\n    command: python feed.py\n    volumes: ['.:/code']\n"
FILES = {"feed.py": "while True: pass\n", "tools/feed.py": "while True: pass\n", "requirements.txt": "x\n"}
# What changes a proposal, as a text in the place of the plain one; those of servers and hosts are shown below
SHOWN = {
    "build": "    command: python feed.py\n",
    "command": "    build: .\n    volumes: ['.:/code']\n",
    "deploy": f"{PLAIN}    deploy: {{replicas: 2}}\n",
    "entrypoint": f"{PLAIN}    entrypoint: [python, tools/feed.py]\n",
    "env_file": f"{PLAIN}    env_file: a.env\n",
    "extends": "    extends: other\n",
    "healthcheck": f"{PLAIN}    healthcheck: {{test: curl localhost}}\n",
    "image": "    image: grafana/grafana\n",
    "ports": "    build: .\n    ports: ['8000:8000']\n    command: ruby feed.rb\n",
    "profiles": f"{PLAIN}    profiles: [debug]\n",
    "scale": f"{PLAIN}    scale: 2\n",
    "volumes": "    image: python\n    command: python feed.py\n    volumes: ['.:/code']\n",
    "working_dir": f"{PLAIN}    working_dir: /code/tools\n",
}  # fmt: skip
OF_HOSTS = {
    "container_name": "    container_name: storage\n",
    "hostname": "    hostname: storage\n",
    "networks": "    networks: {default: {aliases: [storage]}}\n",
    "links": "    links: ['x:storage']\n",
    "external_links": "    external_links: ['x:storage']\n",
}
VALUES = {
    "configs": "[a]", "device_cgroup_rules": "['c 1:3 mr']", "devices": "[/dev/ttyUSB0]", "models": "[a]",
    "extra_hosts": "['a:1.2.3.4']", "post_start": "[{command: a}]", "pre_stop": "[{command: a}]",
    "provider": "{type: a}", "secrets": "[{source: a, target: b}]", "stop_grace_period": "1m", "stop_signal": "SIGINT",
    "use_api_socket": "true", "volumes_from": "[a]",
}  # fmt: skip


def proposed(propose, service, top=""):
    proposal = propose({**FILES, "compose.yml": f"services:\n  feed:\n{service}{top}"})
    return (
        [(each.name, each.command, each.cwd) for each in proposal.processes],
        [note.text for note in proposal.notes],
    )


def test_each_key_of_a_service_is_in_one_table():
    assert sorted([*READ, *NOTED, *WITHOUT_MEANING]) == sorted(SERVICE.split())
    assert all(why.strip() for why in WITHOUT_MEANING.values())


def test_each_key_at_the_top_is_in_one_table():
    assert sorted([*TOP_READ, *TOP_WITHOUT_MEANING]) == sorted(TOP.split())


def test_each_key_that_is_read_is_shown_here():
    of_servers = {"environment"}  # `POSTGRES_DB` and others: test_composed.py, test_servers.py
    assert {*SHOWN, *OF_HOSTS} | of_servers == READ


@pytest.mark.parametrize("key", sorted(SHOWN))
def test_a_key_that_is_read_changes_what_is_proposed(propose, key):
    other = "  other:\n    build: .\n    command: python tools/feed.py\n    volumes: ['.:/code']\n"
    without = "\n".join(line for line in SHOWN[key].splitlines() if not line.strip().startswith(f"{key}:")) + "\n"
    plain = PLAIN if key in ("build", "command", "image") else without

    assert proposed(propose, SHOWN[key], other) != proposed(propose, plain or "    build: .\n", other)


@pytest.mark.parametrize("key", sorted(OF_HOSTS))
def test_a_name_that_containers_have_for_a_server_leads_to_this_machine(propose, key):
    code = "import redis\nfrom flask import Flask\napp = Flask(__name__)\nredis.Redis(host='storage')\n"
    files = {"app.py": code, "requirements.txt": "flask\nredis\n"}
    plain = "services:\n  store:\n    image: redis\n"

    assert propose({**files, "compose.yml": plain}).python.hosts == ()
    assert propose({**files, "compose.yml": plain + OF_HOSTS[key]}).python.hosts == ("storage",)


@pytest.mark.parametrize("key", sorted(NOTED))
def test_a_key_that_means_something_elsewhere_is_a_note(propose, key):
    before, after = (proposed(propose, f"{PLAIN}{more}") for more in ("", f"    {key}: {VALUES[key]}\n"))

    (note,) = set(after[1]) - set(before[1])
    assert note.startswith("compose: ignored of `feed`: ")
    assert "{" not in note


@pytest.mark.parametrize("key", sorted(WITHOUT_MEANING))
def test_a_key_without_meaning_changes_nothing(propose, key):
    assert proposed(propose, f"{PLAIN}    {key}: [a]\n") == proposed(propose, PLAIN)


def test_a_key_that_nobody_knows_is_a_note_unless_it_is_a_projects_own(propose):
    _, notes = proposed(propose, f"{PLAIN}    restrat: always\n    x-mine: 1\n", "sevices: {}\nx-ours: 1\n")

    assert notes == [
        "compose: ignored of `feed`: `restrat`, which devboot doesn't know",
        "compose: `sevices` at the top of the file is unknown to devboot",
    ]


ODD = (
    "", "x", "'$'", "${A:-${B}}", "[]", "{}", "[[a], {b: [c]}, null]", "{a: {b: [c, {d: e}]}, f: null}", "'a:b:c:d'",
    "[':', '=']",
)  # fmt: skip


@pytest.mark.parametrize("key", sorted(SERVICE.split()))
def test_a_value_of_another_kind_is_no_reason_to_fail(propose, key):
    entries = "".join(f"  s{number}:\n    build: .\n    {key}: {value}\n" for number, value in enumerate(ODD))
    servers = "".join(f"  r{number}:\n    image: postgres\n    {key}: {value}\n" for number, value in enumerate(ODD))
    code = (
        "import os, psycopg2\nfrom flask import Flask\napp = Flask(__name__)\npsycopg2.connect(os.environ['DB_URL'])\n"
    )
    files = {"app.py": code, "requirements.txt": "flask\npsycopg2\n", "Dockerfile": "FROM python\nCOPY . .\n"}

    render(propose({**files, "compose.yml": f"services:\n{entries.replace('build: .', 'image: y')}{entries}{servers}"}))
    render(propose({**files, "compose.yml": f"services:\n{entries}{servers}"}))


@pytest.mark.parametrize("key", TOP.split())
@pytest.mark.parametrize("value", ODD)
def test_a_value_of_another_kind_at_the_top_is_no_reason_to_fail(propose, key, value):
    render(propose({**FILES, "compose.yml": f"{key}: {value}\n"}))
