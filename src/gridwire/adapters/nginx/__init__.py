"""nginx on a host: the binary and its modules, the configuration test, the door, the running master."""

from gridwire.adapters.nginx.binary import Nginx, find_nginx
from gridwire.adapters.nginx.config_test import test_config
from gridwire.adapters.nginx.counts import Counts
from gridwire.adapters.nginx.door import Door
from gridwire.adapters.nginx.launch import Launch, exec_nginx, prepare
from gridwire.adapters.nginx.logs import rotate_logs
from gridwire.adapters.nginx.master import end_nginx, master_pid, reload_nginx, signal_master
from gridwire.adapters.nginx.panel import PanelSource, find_panel, place_panel, placed_panel
from gridwire.adapters.nginx.state_files import read_text, remove, write_text

__all__ = [
    "Counts",
    "Door",
    "Launch",
    "Nginx",
    "PanelSource",
    "end_nginx",
    "exec_nginx",
    "find_nginx",
    "find_panel",
    "master_pid",
    "place_panel",
    "placed_panel",
    "prepare",
    "read_text",
    "reload_nginx",
    "remove",
    "rotate_logs",
    "signal_master",
    "test_config",
    "write_text",
]
