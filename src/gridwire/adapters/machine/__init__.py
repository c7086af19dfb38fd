"""What `gridwire doctor` reads of a machine: kernel, container, clock, links, connection table, processes. Changes
nothing, starts nothing that stays, and needs no root: what only root sees is ``Unknown``."""

from gridwire.adapters.machine.clock_kept import clock_kept
from gridwire.adapters.machine.conntrack import read_conntrack
from gridwire.adapters.machine.container import container, net_admin, orchestrator
from gridwire.adapters.machine.links import read_forwarding, read_interfaces, read_links, way_to
from gridwire.adapters.machine.neighbours import listening_users, ports_of_other_networks
from gridwire.adapters.machine.processes import command_lines, docker_published, running_programs
from gridwire.adapters.machine.release import distribution, kernel, open_files, python

__all__ = [
    "clock_kept",
    "command_lines",
    "container",
    "distribution",
    "docker_published",
    "kernel",
    "listening_users",
    "net_admin",
    "open_files",
    "orchestrator",
    "ports_of_other_networks",
    "python",
    "read_conntrack",
    "read_forwarding",
    "read_interfaces",
    "read_links",
    "running_programs",
    "way_to",
]
