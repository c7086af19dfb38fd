"""Files that are whole or not there: atomic, fsynced writes, and the hosts file."""

from gridwire.adapters.files.atomic import keep_link, make_directory, read_bytes, remove_file, write_atomic
from gridwire.adapters.files.hosts_file import read_hosts, write_hosts
from gridwire.adapters.files.reread import Reread
from gridwire.adapters.files.trusted import untrusted

__all__ = [
    "Reread",
    "keep_link",
    "make_directory",
    "read_bytes",
    "read_hosts",
    "remove_file",
    "untrusted",
    "write_atomic",
    "write_hosts",
]
