"""Where gridwire keeps things on a host. Every host of the lab uses the same paths, in mounts of its own."""

from __future__ import annotations

from typing import Final

SETTINGS: Final = "/etc/gridwire/gridwire.yaml"
HOSTS: Final = "/etc/hosts"

STATE: Final = "/var/lib/gridwire"
CONTROL_STATE: Final = f"{STATE}/control"  # owner gridwire, 0700: the database
DATABASE: Final = f"{CONTROL_STATE}/gridwire.db"
AGENT_STATE: Final = f"{STATE}/agent"  # owner root, 0700: node.key, credential, spec.json, previous/
NGINX_STATE: Final = f"{STATE}/nginx"  # owner root, 0755, files 0600: nginx.conf, routing.json, edge.json, health.json

RUN: Final = "/run/gridwire"
CONTROL_SOCKET: Final = f"{RUN}/control.sock"  # 0660, group gridwire-nginx: nginx speaks for peers
LOCAL_SOCKET: Final = f"{RUN}/local.sock"  # 0600 root: to connect is to be authorised
DOOR: Final = f"{RUN}/door"  # 0700 root: the way by which the agent hands data to nginx
DOOR_SOCKET: Final = f"{DOOR}/nginx.sock"
PANEL_SOCKET: Final = f"{RUN}/panel.sock"  # → door/panel.sock: panel and API for root of this host
NGINX_PID: Final = f"{RUN}/nginx.pid"

LOGS: Final = "/var/log/gridwire"  # owner root, group gridwire-nginx, 0750; files 0640

CONTROL_USER: Final = "gridwire"
NGINX_USER: Final = "gridwire-nginx"
