"""A tailnet in the lab: real tailscaled on hosts of one link, with Tailscale's own test control server beside them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from gridwire.adapters.control_api import ControlApi
from gridwire.core import paths
from gridwire.lab.grid import gridwire
from gridwire.lab.host import Host
from gridwire.lab.topology import ROUTER, Lab, Link, Place, build
from gridwire.lab.waiting import until

# Private: to any other address tailscaled insists on TLS after its first call (control/ts2021, NewClient).
LINK = Link(name="lan", prefix=IPv4Network("192.168.77.0/24"), prefix6=IPv6Network("2001:db8::/64"))
CONTROL = str(LINK.prefix[1])
LOGIN = f"http://{CONTROL}:8080"
STATE = "/var/lib/tailscale.state"
LOG, UP_LOG = Path("/var/log/tailscaled.log"), Path("/var/log/gridwire/up.log")


@dataclass(slots=True)
class Tailnet:
    """``programs``: the folder of tailscaled, tailscale and labcontrol."""

    lab: Lab
    programs: Path
    _daemons: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    _ups: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        return self.lab.host(name)

    def run(self, name: str, *argv: str, check: bool = True, timeout: float = 30) -> str:
        return self.host(name).run(list(argv), check=check, timeout=timeout).stdout

    def start_control(self) -> None:
        argv = [str(self.programs / "labcontrol"), CONTROL]
        self.host(ROUTER).start_logged(argv, Path("/var/log/labcontrol.log"))
        until(lambda: self._answers(LOGIN), "the lab's control server", timeout=20)

    def start_tailscaled(self, name: str, *options: str) -> None:
        argv = ["env", "TS_NO_LOGS_NO_SUPPORT=true", str(self.programs / "tailscaled"), f"--state={STATE}", *options]
        self._daemons[name] = self.host(name).start_logged(argv, LOG)
        until(lambda: self.status(name) is not None, f"tailscaled on {name}", timeout=20)

    def stop_tailscaled(self, name: str, *, kill: bool = False) -> None:
        process = self._daemons.pop(name)
        process.kill() if kill else process.terminate()
        process.wait(20)

    def log_in(self, name: str, *options: str) -> None:
        self.tailscale(name, "up", f"--login-server={LOGIN}", "--accept-dns=false", f"--hostname={name}", *options)
        until(lambda: self.addresses(name), f"{name}'s addresses", timeout=20)

    def tailscale(self, name: str, *arguments: str, check: bool = True) -> str:
        return self.run(name, str(self.programs / "tailscale"), *arguments, check=check)

    def status(self, name: str) -> dict[str, Any] | None:
        text = self.tailscale(name, "status", "--json", check=False)
        found: dict[str, Any] | None = json.loads(text) if text.startswith("{") else None
        return found

    def addresses(self, name: str) -> list[str]:
        """What the kernel has on tailscale0."""
        text = self.run(name, "ip", "-json", "address", "show", "dev", "tailscale0", check=False)
        entries = json.loads(text) if text.startswith("[") else []
        return [a["local"] for entry in entries for a in entry.get("addr_info", ()) if a.get("scope") == "global"]

    def expire(self, name: str) -> None:
        self.run(ROUTER, "curl", "-sS", f"{LOGIN}/lab/expire?node={name}")

    def gridwire(self, name: str, *arguments: str, check: bool = True, timeout: float = 60) -> str:
        return self.host(name).run(gridwire(*arguments), check=check, timeout=timeout).stdout

    def refused(self, name: str, *arguments: str) -> str:
        """What `gridwire …` says on stderr, where it ends with an error."""
        done = self.host(name).run(gridwire(*arguments), check=False, timeout=60)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def up(self, name: str) -> None:
        self._ups[name] = self.host(name).start_logged(gridwire("up"), UP_LOG)

    def down(self, name: str) -> None:
        process = self._ups.pop(name)
        process.terminate()
        process.wait(20)

    def log(self, name: str, lines: int = 30) -> str:
        path = self.host(name).root / UP_LOG.relative_to("/")
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def api(self) -> ControlApi:
        return ControlApi(f"unix:{self.host('gw').root}{paths.LOCAL_SOCKET}")

    def nodes(self) -> dict[str, dict[str, Any]]:
        """As `gridwire node list -o json` has them, by name; revoked ones are left out."""
        listed = json.loads(self.gridwire("gw", "node", "list", "-o", "json"))
        views = listed["items"] if isinstance(listed, dict) else listed
        return {v["node"]["name"]: v for v in views if v["node"]["state"] != "revoked"}

    def get(self, name: str, address: str, host: str = "api.grid", *, port: int = 80) -> tuple[int, str]:
        """Status and body of a GET; 0 where nothing came back within two seconds."""
        place = f"[{address}]" if ":" in address else address
        argv = [
            "curl",
            "-sS",
            "-g",
            "-m",
            "2",
            "-H",
            f"Host: {host}",
            "-w",
            "\n%{http_code}",
            f"http://{place}:{port}/",
        ]
        body, _, status = self.run(name, *argv, check=False).rpartition("\n")
        return int(status or 0), body

    def answering(self, *, requests: int = 12) -> set[str]:
        """The edges that answered the client, by both families of the gateway's address."""
        addresses = self.addresses("gw")
        if not addresses:
            return set()
        answers = [self.get("client", addresses[number % len(addresses)]) for number in range(requests)]
        return {body for status, body in answers if status == 200}

    def counter(self, name: str, counter: str) -> int:
        """Packets counted by the guard; -1 without its table."""
        text = self.run(name, "nft", "-j", "list", "counter", "inet", "gridwire", counter, check=False)
        found = json.loads(text)["nftables"] if text.startswith("{") else []
        return next((int(one["counter"]["packets"]) for one in found if "counter" in one), -1)

    @property
    def serving(self) -> set[str]:
        """Hosts that run `gridwire up`."""
        return set(self._ups)

    def listeners(self, name: str) -> set[str]:
        """Of all TCP, address:port."""
        return {line.split()[3] for line in self.run(name, "ss", "-Hltn").splitlines()}

    def start_app(self, name: str, port: int = 9000) -> None:
        """Answers with the node's name."""
        page = self.host(name).root / "var/www-app"
        page.mkdir()
        (page / "index.html").write_text(name)
        argv = ["python3", "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", "/var/www-app"]
        self.host(name).start_logged(argv, Path("/var/log/app.log"))

    def _answers(self, url: str) -> bool:
        return self.host(ROUTER).run(["curl", "-s", "-m", "1", f"{url}/key?v=100"], check=False).returncode == 0


def make(programs: Path, hosts: Sequence[str]) -> Tailnet:
    """Hosts on one link, each with a tailscaled that is logged out, and the tailnet's control server."""
    places = [Place(host=name, link=LINK.name, number=10 + number) for number, name in enumerate(hosts)]
    tailnet = Tailnet(lab=build((LINK,), places), programs=programs)
    try:
        tailnet.start_control()
    except BaseException:
        tailnet.lab.close()
        raise
    return tailnet
