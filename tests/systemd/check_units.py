"""`make check`: the hardening of the units, judged by systemd itself.

    python tests/systemd/check_units.py

systemd-analyze security scores from 0 (nothing exposed) to 10; verify finds directives that systemd does not know.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

from gridwire.agent.installation import installation_of
from gridwire.core.fleet import Role
from gridwire.core.installation import UNIT_FOLDER
from gridwire.core.joined import JoinedAs
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.settings import NodeSettings, Settings

LIMITS = {  # exposure that each may have, times ten
    "gridwire-control.service": 15,
    "gridwire-nginx.service": 30,
    "gridwire-agent.service": 30,
    "gridwire-guard.service": 30,
    "gridwire-wg@gw0.service": 30,
}


def main() -> int:
    if shutil.which("systemd-analyze") is None:
        print(f"units: systemd-analyze is missing (apt install systemd): {len(LIMITS)} skipped, 0 checked")
        return 0
    with TemporaryDirectory(prefix="gridwire-units-") as folder:
        write_units(Path(folder))
        failed = [unit for unit, limit in LIMITS.items() if not judge(Path(folder), unit, limit)]
    print(f"units: {len(LIMITS)} checked, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


def write_units(folder: Path) -> None:
    """A gateway's, as `gridwire install` writes them: it has every unit."""
    identity = JoinedAs(
        node=NodeName("gw"),
        role=Role.GATEWAY,
        address=ip_address("10.85.0.1"),
        prefix=ip_network("10.85.0.0/16"),
        interface=Interface("gw0"),
        suffix=HostName("grid"),
    )
    settings = Settings(node=NodeSettings(name=NodeName("gw")), endpoint="gw.example.com:51820")
    wanted = installation_of(settings, "/etc/gridwire/gridwire.yaml", identity, userspace=True)
    for path, text in wanted.files.items():
        if path.startswith(UNIT_FOLDER):
            (folder / Path(path).name.replace("@.", "@gw0.")).write_text(text)


def judge(folder: Path, unit: str, limit: int) -> bool:
    security = analyze(folder, "security", "--offline=true", f"--threshold={limit}", "--no-pager", str(folder / unit))
    verified = analyze(folder, "verify", "--man=no", str(folder / unit))
    lines = security.stdout.strip().splitlines()
    said = [line for line in verified.stderr.splitlines() if unit in line]
    print(f"units: {unit:<26} at most {limit / 10:.1f}: {lines[-1].removeprefix('→ ') if lines else security.stderr}")
    for line in said:
        print(f"  {line}")
    if security.returncode != 0:
        print("\n".join(line for line in lines if line.startswith("✗")))
    return security.returncode == 0 and not said


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "SYSTEMD_UNIT_PATH": f"{folder}:"},
    )


if __name__ == "__main__":
    sys.exit(main())
