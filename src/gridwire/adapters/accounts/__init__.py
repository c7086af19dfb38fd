"""The two system users that gridwire runs under, and the directories with their owners and modes."""

from gridwire.adapters.accounts.directories import Directory, directories, make_directories, missing_directories
from gridwire.adapters.accounts.users import make_user, remove_user, user_exists

__all__ = [
    "Directory",
    "directories",
    "make_directories",
    "make_user",
    "missing_directories",
    "remove_user",
    "user_exists",
]
