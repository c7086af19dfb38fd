"""Whether this is a container and of what kind, who runs the host, and whether networks may be changed."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

_CAP_NET_ADMIN = 12  # linux/capability.h
_CGROUP = re.compile(r"/(docker|kubepods|lxc|containerd|libpod)[/.-]")
_KINDS = {"kubepods": "kubernetes", "libpod": "podman", "lxc-libvirt": "lxc"}
_PANELS = {
    "/usr/local/cpanel": "cPanel",
    "/usr/local/psa": "Plesk",
    "/usr/local/directadmin": "DirectAdmin",
}
_ORCHESTRATORS = {"kubelet": "Kubernetes", "k3s-server": "Kubernetes (k3s)", "k3s-agent": "Kubernetes (k3s)"}


def container(root: Path = Path("/")) -> str:
    """docker, podman, kubernetes, lxc, systemd-nspawn, …; empty where there is no sign of one."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    for sign, kind in ((".dockerenv", "docker"), ("run/.containerenv", "podman")):
        if (root / sign).exists():
            return kind
    said = _text(root / "run/systemd/container").strip()  # systemd.io/CONTAINER_INTERFACE
    environment = re.search(r"(?:^|\0)container=([a-z-]+)", _text(root / "proc/1/environ"))
    cgroup = _CGROUP.search(_text(root / "proc/1/cgroup"))
    kind = said or (environment[1] if environment else "") or (cgroup[1] if cgroup else "")
    return _KINDS.get(kind, kind)


def orchestrator(programs: Collection[str], root: Path = Path("/")) -> str:
    """Kubernetes or a hosting panel, by its programs and folders; empty where there is none."""
    found = [_ORCHESTRATORS[program] for program in programs if program in _ORCHESTRATORS]
    found += [name for folder, name in _PANELS.items() if (root / folder.lstrip("/")).is_dir()]
    return found[0] if found else ""


def net_admin(status: Path = Path("/proc/self/status")) -> bool:
    """Whether root may change networks here: root's own rights, or the most that anybody could get."""
    wanted = "CapEff:" if os.geteuid() == 0 else "CapBnd:"
    for line in _text(status).splitlines():
        if line.startswith(wanted):
            return bool(int(line.split()[1], 16) >> _CAP_NET_ADMIN & 1)
    return False


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
