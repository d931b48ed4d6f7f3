"""Tables of compose's keys: those that detection reads, those that become notes, those without meaning here.

A test compares the tables with the keys of the compose specification: each key is in exactly one of them.
"""

from __future__ import annotations

from collections.abc import Mapping

_OF_CONTAINERS = "isolates a container; processes run directly on this machine"
_OF_LIMITS = "limits a container; processes run directly on this machine"
_OF_NETWORKS = "everything runs on this machine, where `localhost` is all of it"
_OF_IMAGES = "no image is fetched or built"
_OF_TERMINALS = "each process has a terminal, and `devboot attach` leads to it"

_FOR_OTHERS = "a label for other programs"
_LOST = frozenset({_OF_CONTAINERS, _OF_LIMITS, _FOR_OTHERS, "of Windows alone"})  # all others aren't needed here

READ = frozenset(
    {
        "build", "command", "container_name", "deploy", "entrypoint", "env_file", "environment", "extends",
        "external_links", "healthcheck", "hostname", "image", "links", "networks", "ports", "profiles", "scale",
        "volumes", "working_dir",
    }
)  # fmt: skip

# How a note describes the key of a service, and devboot's counterpart; `{}` is the value
NOTED: Mapping[str, str] = {
    "configs": "files of `configs`: {}",
    "device_cgroup_rules": "access to devices: {}",
    "devices": "devices: {}",
    "extra_hosts": "names of hosts: {}",
    "models": "models: {}",
    "post_start": "a command after its start (`post_start`)",
    "pre_stop": "a command before its stop (`pre_stop`)",
    "provider": "a provider outside of compose: {}",
    "secrets": "files of `secrets`: {}",
    "stop_grace_period": "{} to stop (`stop_timeout` under its process)",
    "stop_signal": "the signal {} to stop (`stop_signal` under its process)",
    "use_api_socket": "Docker's own socket",
    "volumes_from": "the volumes of {}",
}

WITHOUT_MEANING: Mapping[str, str] = {
    "annotations": _FOR_OTHERS,
    "attach": "`devboot logs` shows the output of each process",
    "blkio_config": _OF_LIMITS,
    "cap_add": _OF_CONTAINERS,
    "cap_drop": _OF_CONTAINERS,
    "cgroup": _OF_CONTAINERS,
    "cgroup_parent": _OF_CONTAINERS,
    "cpu_count": _OF_LIMITS,
    "cpu_percent": _OF_LIMITS,
    "cpu_period": _OF_LIMITS,
    "cpu_quota": _OF_LIMITS,
    "cpu_rt_period": _OF_LIMITS,
    "cpu_rt_runtime": _OF_LIMITS,
    "cpu_shares": _OF_LIMITS,
    "cpus": _OF_LIMITS,
    "cpuset": _OF_LIMITS,
    "credential_spec": "of Windows alone",
    "depends_on": "processes start once the services and tasks are ready",
    "develop": "devboot restarts processes when their files change",
    "dns": _OF_NETWORKS,
    "dns_opt": _OF_NETWORKS,
    "dns_search": _OF_NETWORKS,
    "domainname": _OF_NETWORKS,
    "driver_opts": _OF_NETWORKS,
    "expose": _OF_NETWORKS,
    "gpus": "a process sees the devices of this machine",
    "group_add": "everything runs as the user who starts it",
    "init": "devboot collects what its processes leave behind",
    "ipc": _OF_CONTAINERS,
    "isolation": _OF_CONTAINERS,
    "label_file": _FOR_OTHERS,
    "labels": _FOR_OTHERS,
    "logging": "`devboot logs` has what everything prints",
    "mac_address": _OF_NETWORKS,
    "mem_limit": _OF_LIMITS,
    "mem_reservation": _OF_LIMITS,
    "mem_swappiness": _OF_LIMITS,
    "memswap_limit": _OF_LIMITS,
    "network_mode": _OF_NETWORKS,
    "oom_kill_disable": _OF_LIMITS,
    "oom_score_adj": _OF_LIMITS,
    "pid": _OF_CONTAINERS,
    "pids_limit": _OF_LIMITS,
    "platform": _OF_IMAGES,
    "privileged": _OF_CONTAINERS,
    "pull_policy": _OF_IMAGES,
    "pull_refresh_after": _OF_IMAGES,
    "read_only": _OF_CONTAINERS,
    "restart": "devboot restarts what crashes",
    "runtime": _OF_CONTAINERS,
    "security_opt": _OF_CONTAINERS,
    "shm_size": _OF_LIMITS,
    "stdin_open": _OF_TERMINALS,
    "storage_opt": _OF_LIMITS,
    "sysctls": _OF_CONTAINERS,
    "tmpfs": "a process has the folders of this machine",
    "tty": _OF_TERMINALS,
    "ulimits": _OF_LIMITS,
    "user": "everything runs as the user who starts it",
    "userns_mode": _OF_CONTAINERS,
    "uts": _OF_CONTAINERS,
}

TOP_READ = frozenset({"include", "services"})
TOP_WITHOUT_MEANING: Mapping[str, str] = {
    "configs": "noted at the services that use them",
    "models": "noted at the services that use them",
    "name": "a project is named after its folder",
    "networks": _OF_NETWORKS,
    "secrets": "noted at the services that use them",
    "version": "compose itself ignores it",
    "volumes": "services keep their data in the project's data folder",
}


KEYS = frozenset({*READ, *NOTED, *WITHOUT_MEANING})
TOP_KEYS = frozenset({*TOP_READ, *TOP_WITHOUT_MEANING})


def is_lost(key: str) -> bool:
    """Return whether a key without meaning for devboot requests something that the process won't have."""
    return WITHOUT_MEANING.get(key, "") in _LOST


def is_unknown(key: str) -> bool:
    """Return whether a service's key is in no table; `x-` keys are the project's own."""
    return not key.startswith("x-") and key not in KEYS


def is_unknown_top(key: str) -> bool:
    """Return whether a top-level key is in no table; `x-` keys are the project's own."""
    return not key.startswith("x-") and key not in TOP_KEYS
