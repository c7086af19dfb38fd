"""Programs that run on this host, and the ports that Docker publishes."""

from __future__ import annotations

import os
from collections.abc import Iterable

import psutil

from gridwire.adapters.programs import run
from gridwire.core.doctor.surroundings import Docker, Published, parse_dnat, parse_docker_proxy
from gridwire.core.errors import Unavailable
from gridwire.core.observed import Known, Unknown


def running_programs() -> frozenset[str]:
    """Names of processes, as /proc has them: at most 15 characters."""
    return frozenset(str(process.info["name"]) for process in psutil.process_iter(["name"]))


def command_lines(program: str) -> tuple[tuple[str, ...], ...]:
    """Of every process of that name whose command line can be read."""
    return tuple(
        tuple(process.info["cmdline"] or ())
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == program
    )


def docker_published(programs: Iterable[str]) -> Docker:
    """Published ports by Docker's proxies and by its rules; the latter are for root."""
    if "dockerd" not in programs:
        return Docker(running=False, published=Known(()))
    proxied = [one for one in map(parse_docker_proxy, command_lines("docker-proxy")) if one is not None]
    if os.geteuid() != 0:
        return Docker(running=True, published=Unknown("only root sees Docker's rules"))
    listed: list[Published] = []
    for program in ("iptables", "ip6tables"):
        try:
            said = run([program, "-t", "nat", "-S", "DOCKER"])
        except Unavailable:
            continue  # a Docker without iptables has proxies alone
        listed += parse_dnat(said.stdout)
    held = {(one.protocol, one.port) for one in proxied}
    rest = [one for one in listed if (one.protocol, one.port) not in held]
    return Docker(running=True, published=Known(tuple(dict.fromkeys([*proxied, *rest]))))
