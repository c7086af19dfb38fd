"""A copy of ours that is slower on purpose: what the bench must be able to see."""

from __future__ import annotations

import shutil
from pathlib import Path

from gridwire.lab.nginx_pair import Instance


def plant(slowed: Instance, microseconds: float) -> None:
    """Before it starts: give it a matcher that burns so much more CPU time per request."""
    source = slowed.nginx.lua[0]
    folder = slowed.folder / "lua"
    shutil.copytree(source, folder)
    policy = folder / "gridwire" / "policy.lua"
    # A loop whose speed is measured when the module loads: asking the clock in every request would cost more CPU
    # than the slowdown that is to be planted.
    burn = (
        "local allows = _M.allows\n"
        "local function spin(turns)\n"
        "    local x = 1\n"
        "    for i = 1, turns do x = x * 1.0000001 + i end\n"
        "    return x\n"
        "end\n"
        "spin(1e6)\n"
        "local from = os.clock()\n"
        "local sink = spin(2e7)\n"
        f"local turns = math.floor(2e7 * {microseconds / 1e6:.9f} / (os.clock() - from))\n"
        "function _M.allows(route, peer)\n"
        "    sink = spin(turns)\n"
        "    return allows(route, peer)\n"
        "end\n\nreturn _M\n"
    )
    policy.write_text(policy.read_text().replace("return _M\n", burn))
    config = Path(slowed.launch.config)
    config.write_text(config.read_text().replace(f"{source}/?.lua", f"{folder}/?.lua"))
