"""The nginx binary, its Lua modules and lua-resty-core, where Debian puts them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gridwire.core.errors import Unavailable

OLDEST = (1, 22, 0)
_CJSON = "lib/*/lua/5.1/cjson.so"  # the multiarch folder is on LuaJIT's own cpath
_PACKAGES = "apt install nginx libnginx-mod-http-lua lua-resty-core lua-cjson"
_BINARIES = ("/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx")
_MODULES = ("/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules")
_RESTY = ("/usr/share/lua/5.1", "/usr/local/share/lua/5.1", "/usr/local/lib/lua")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """``modules``: files for load_module in order; ``lua``: folders for lua_package_path."""

    binary: str
    version: tuple[int, ...]
    modules: tuple[str, ...]
    lua: tuple[str, ...]


def lua_folder() -> str:
    """gridwire's own Lua modules, beside its Python ones."""
    import gridwire

    return str(Path(gridwire.__file__).resolve().parent / "lua")


def find_nginx(binary: str | None = None) -> Nginx:
    """The nginx of this host; raise Unavailable naming the packages for what is missing or too old.

    The path is absolute: an nginx that was started by a bare name cannot make a new master on USR2.
    """
    fix = f"install it: {_PACKAGES} (under a policy-rc.d that keeps it from starting)"
    found = next((path for path in ((binary,) if binary else _BINARIES) if Path(path).is_file()), None)
    found = found or (None if binary else shutil.which("nginx"))
    if found is None:
        raise Unavailable("nginx is not installed", fix=fix)
    shown = subprocess.run([found, "-v"], capture_output=True, text=True, timeout=10, check=False).stderr
    match = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", shown)
    version = tuple(int(part) for part in match.groups()) if match else (0,)
    if version < OLDEST:
        raise Unavailable(
            f"{found} is {'.'.join(map(str, version))}, older than {'.'.join(map(str, OLDEST))}",
            fix=fix,
        )
    folder = next((Path(path) for path in _MODULES if (Path(path) / "ngx_http_lua_module.so").is_file()), None)
    if folder is None:
        raise Unavailable("nginx has no Lua module (ngx_http_lua_module.so)", fix=fix)
    resty = next((path for path in _RESTY if (Path(path) / "resty/core.lua").is_file()), None)
    if resty is None:
        raise Unavailable("lua-resty-core is not installed (resty/core.lua)", fix=fix)
    if not any(Path("/usr").glob(_CJSON)):
        raise Unavailable("lua-cjson is not installed (cjson.so for Lua 5.1)", fix=fix)
    modules = tuple(str(folder / name) for name in ("ndk_http_module.so", "ngx_http_lua_module.so"))
    return Nginx(
        binary=found,
        version=version,
        modules=tuple(module for module in modules if Path(module).is_file()),
        lua=(lua_folder(), resty),
    )
