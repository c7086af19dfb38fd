"""The agent's section and `gridwire nginx run` together, on a real nginx: any order, consent, reload, refusal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from urllib.request import urlopen

import pytest

from gridwire.adapters.nginx import Nginx, PanelSource, find_nginx, master_pid
from gridwire.adapters.nginx.master import workers_of as workers_here
from gridwire.agent.proxy import ProxySection, launch_of
from gridwire.core.actions import Action
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.fleet import Role
from gridwire.core.guard import GuardSpec
from gridwire.core.health import Health, HealthCheck
from gridwire.core.names import HostName, Interface, NodeName, ServiceName
from gridwire.core.panel import PanelTable
from gridwire.core.proxy import EdgeService, EdgeTable, Listener, ListenerKind, ProxySpec
from gridwire.core.proxy_plan import AwaitNginx, PlacePanel, PushDocument, ReloadNginx, WriteConfig, WriteDocument
from gridwire.core.spec import NamesSpec, NodeSpec
from gridwire.core.targets import Reach, TcpTarget, parse_reach
from gridwire.core.wireguard import MeshSpec
from gridwire.lab.nginx_pair import Namespace, open_folder, until
from gridwire.render.nginx import Layout

pytestmark = pytest.mark.netns

EDGE, LATE = IPv4Address("10.85.1.7"), IPv4Address("10.85.1.8")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = """
import sys
from gridwire.adapters.nginx import Launch, exec_nginx
from pathlib import Path
names = ("binary", "config", "state", "pid_file", "door_socket", "logs", "user")
launch = Launch(**dict(zip(names, sys.argv[1:8], strict=True)))
guard = Path(sys.argv[8])
exec_nginx(launch, lambda: None if guard.exists() else "waiting for the guard", lambda text: print(text, flush=True))
"""


def service(name: str, port: int) -> EdgeService:
    return EdgeService(
        service=ServiceName(name),
        target=TcpTarget(IPv4Address("127.0.0.1"), port),
        health=HealthCheck(),
        connect_timeout_ms=1000,
        read_timeout_ms=60_000,
        send_timeout_ms=60_000,
    )


def spec_of(*services: EdgeService, addresses: tuple[IPv4Address, ...] = (EDGE,), revision: int = 1) -> NodeSpec:
    interface, prefix = Interface("gw0"), IPv4Network("10.85.0.0/16")
    return NodeSpec(
        epoch=1,
        revision=revision,
        node=NodeName("home-1"),
        role=Role.EDGE,
        mesh=MeshSpec(interface=interface, address=EDGE, prefix=prefix, listen_port=0, mtu=1420, peers=()),
        guard=GuardSpec(interface=interface, prefix=prefix, address=EDGE, listen_port=0, openings=()),
        proxy=ProxySpec(
            listeners=tuple(Listener(ListenerKind.EDGE, address, 2085) for address in addresses),
            edge=EdgeTable(version=(1, revision), gateways=(EDGE,), services=services),
        ),
        names=NamesSpec(suffix=HostName("grid")),
    )


class Host:
    def __init__(self, folder: Path) -> None:
        self.namespace = Namespace(())
        self.reach: tuple[Reach, ...] = (parse_reach("127.0.0.1:9000"),)
        self.layout = self._layout(find_nginx(), folder)
        self.section = ProxySection(
            consent=lambda: self.reach,
            layout=lambda nginx: self._layout(nginx, folder),
            nginx=find_nginx,
            panel=PanelSource(folder / "built"),
        )
        self.launch = launch_of(find_nginx().binary, self.layout)
        self.guard = folder / "guard-stands"
        self.said = folder / "said"
        self.process: subprocess.Popen[bytes] | None = None
        self.started: list[subprocess.Popen[bytes]] = []

    @staticmethod
    def _layout(nginx: Nginx, folder: Path) -> Layout:
        return Layout(
            modules=nginx.modules,
            lua=nginx.lua,
            state=str(folder / "state"),
            pid=str(folder / "run/nginx.pid"),
            door_socket=str(folder / "run/door/nginx.sock"),
            control_socket=str(folder / "run/control.sock"),
            logs=str(folder / "log"),
            user="www-data",
            workers=2,
        )

    def run_nginx(self) -> None:
        launch = self.launch
        words = [launch.binary, launch.config, launch.state, launch.pid_file, launch.door_socket, launch.logs]
        with self.namespace.inside(), self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, *words, launch.user, str(self.guard)], stdout=said, stderr=said
            )
        self.started.append(self.process)

    def waits_for(self, what: str) -> None:
        until(lambda: what in self.said.read_text(), what)
        assert self.process is not None
        assert self.process.poll() is None, self.said.read_text()

    def add(self, address: IPv4Address) -> None:
        with self.namespace.inside():
            subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)

    def plan(self, spec: NodeSpec) -> tuple[Action, ...]:
        return self.section.plan(spec, self.section.observe(), NOW)

    def apply(self, *actions: Action) -> None:
        with self.namespace.inside():
            for action in actions:
                self.section.apply(action)

    def close(self) -> None:
        for process in self.started:
            process.terminate()
            process.wait(10)
        self.namespace.close()


@pytest.fixture
def host() -> Iterator[Host]:
    with open_folder() as folder, closing(Host(folder)) as made:
        yield made


def up(host: Host, spec: NodeSpec) -> None:
    host.guard.touch()
    host.add(EDGE)
    host.run_nginx()
    host.apply(*[action for action in host.plan(spec) if not isinstance(action, AwaitNginx)])
    until(lambda: host.plan(spec) == (), "nginx to serve the spec")


def workers_of(host: Host) -> list[int]:
    with host.namespace.inside():
        return workers_here(host.launch.config)


def test_who_holds_our_port_is_named(host: Host) -> None:
    spec = spec_of(service("api", 9000))
    host.guard.touch()
    host.add(EDGE)
    actions = host.plan(spec)
    with host.namespace.inside(), socket.create_server(("0.0.0.0", 2085)):
        host.apply(*actions[:2])
        host.run_nginx()
        with pytest.raises(Unavailable, match=rf"port 2085 is held by .* \(pid {os.getpid()}\) on 0\.0\.0\.0"):
            host.apply(actions[2])
    until(lambda: host.plan(spec) == (), "nginx to serve the spec once the port is free")


def test_nginx_waits_for_guard_text_and_address_in_turn_and_then_serves(host: Host) -> None:
    spec = spec_of(service("api", 9000))
    host.run_nginx()
    host.waits_for("waiting for the guard")
    host.guard.touch()
    host.waits_for("nginx.conf")
    actions = host.plan(spec)
    assert [type(action) for action in actions] == [WriteDocument, WriteConfig, AwaitNginx]
    host.apply(*actions[:2])
    with pytest.raises(Unavailable):
        host.apply(actions[2])
    host.waits_for(f"{EDGE}:2085")
    host.add(EDGE)
    until(lambda: host.plan(spec) == (), "nginx to serve the spec")
    assert host.process is not None
    assert master_pid(host.launch.pid_file, host.launch.config) == host.process.pid


def test_killed_nginx_is_run_again_with_what_is_on_disk(host: Host) -> None:
    spec = spec_of(service("api", 9000))
    up(host, spec)
    assert host.process is not None
    pid = host.process.pid
    orphans = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    assert orphans
    os.kill(pid, signal.SIGKILL)
    host.process.wait()
    host.run_nginx()
    until(lambda: not any(Path(f"/proc/{orphan}").exists() for orphan in orphans), "the orphans to end")
    until(lambda: master_pid(host.launch.pid_file, host.launch.config) == host.process.pid, "the new master")
    until(lambda: host.plan(spec) == (), "nginx to serve the spec")


def test_a_second_run_is_refused_and_the_first_one_is_left_alone(host: Host) -> None:
    up(host, spec_of(service("api", 9000)))
    first = host.process
    assert first is not None
    host.run_nginx()
    second = host.process
    assert second is not None
    assert second.wait(20) != 0
    assert "already runs" in host.said.read_text()
    host.process = first
    assert first.poll() is None
    assert host.section.door().state()["workers"] == 2


def test_only_what_the_edge_consents_to_is_served_and_the_rest_is_reported(host: Host) -> None:
    spec = spec_of(service("api", 9000), service("database", 5432))
    up(host, spec)
    text = Path(f"{host.layout.state}/edge.json").read_text()
    assert "9000" in text
    assert "5432" not in text
    (refused,) = host.section.refused(spec)
    assert (refused.service, refused.health) == ("database", Health.REFUSED)
    host.reach = (*host.reach, parse_reach("127.0.0.1:5432"))
    actions = host.plan(spec)
    assert [type(action) for action in actions] == [WriteDocument, PushDocument], "consent is data, no reload"
    host.apply(*actions)
    assert host.plan(spec) == ()
    assert host.section.refused(spec) == ()


def test_a_new_listener_reloads_and_nothing_else_does(host: Host) -> None:
    up(host, spec_of(service("api", 9000)))
    more = spec_of(service("api", 9000), addresses=(EDGE, LATE), revision=2)
    host.add(LATE)
    actions = host.plan(more)
    assert [type(action) for action in actions].count(ReloadNginx) == 1
    host.apply(*actions)
    until(lambda: host.plan(more) == (), "the new listener")


def test_a_panel_is_placed_and_another_build_takes_its_place_without_a_reload(host: Host) -> None:
    built = host.said.parent / "built"
    built.mkdir()
    (built / "index.html").write_text("<script>one()</script>")
    spec = spec_of()
    spec = replace(
        spec,
        proxy=ProxySpec(
            listeners=(Listener(ListenerKind.API, EDGE, 2086),),
            panel=PanelTable(version=(1, 1), hosts=(str(EDGE),), operators=(EDGE,)),
        ),
    )
    up(host, spec)
    with host.namespace.inside():
        assert urlopen(f"http://{EDGE}:2086/").read() == b"<script>one()</script>"
    workers = workers_of(host)
    (built / "index.html").write_text("<script>two()</script>")
    actions = host.plan(spec)
    assert [type(action) for action in actions] == [WriteDocument, PlacePanel, PushDocument]
    host.apply(*actions)
    assert host.plan(spec) == ()
    with host.namespace.inside():
        assert urlopen(f"http://{EDGE}:2086/").read() == b"<script>two()</script>"
    assert workers_of(host) == workers


def test_a_text_that_nginx_refuses_changes_nothing(host: Host) -> None:
    spec = spec_of(service("api", 9000))
    up(host, spec)
    before = Path(host.launch.config).read_text()
    bad = before.replace("merge_slashes on", "merge_slashes perhaps")
    with pytest.raises(GridwireError, match="merge_slashes"):
        host.apply(WriteConfig(reason="a test", text=bad))
    assert Path(host.launch.config).read_text() == before
    assert not Path(f"{host.layout.state}/candidate.conf").exists()
    assert host.plan(spec) == ()


def test_a_reload_that_fails_puts_the_text_back(host: Host) -> None:
    """The address of the new listener is not on the host: the text is sound, and nginx cannot bind it."""
    spec = spec_of(service("api", 9000))
    up(host, spec)
    before = Path(host.launch.config).read_text()
    impossible = spec_of(service("api", 9000), addresses=(EDGE, LATE), revision=2)
    with pytest.raises(GridwireError) as raised:
        host.apply(*host.plan(impossible))
    assert raised.value.code == "nginx-refused"
    assert Path(host.launch.config).read_text() == before
    assert host.section.door().state()["config"] in before, "the old one serves on"


@contextmanager
def stopped(host: Host) -> Iterator[None]:
    assert host.process is not None
    found = [host.process.pid, *workers_of(host)]
    try:
        for pid in found:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_an_nginx_that_says_nothing_is_away_in_a_moment(host: Host) -> None:
    spec = spec_of(service("api", 9000))
    up(host, spec)
    with stopped(host):
        began = time.monotonic()
        assert [type(action) for action in host.plan(spec)] == [AwaitNginx]
        with pytest.raises(Unavailable):
            host.apply(*host.plan(spec))
        assert time.monotonic() - began < 4
    until(lambda: host.plan(spec) == (), "nginx to go on")


@pytest.mark.parametrize("busy", [False, True])
def test_nginx_is_ended_at_once_even_where_it_was_stopped(host: Host, busy: bool) -> None:
    up(host, spec_of(service("api", 9000)))
    assert host.process is not None
    with stopped(host) if busy else nullcontext(), host.namespace.inside():
        assert host.section.end()
        host.process.wait(5)
        until(lambda: not workers_of(host), "its workers to end")
        assert not host.section.end(), "there is none any more"


def test_a_node_without_listeners_runs_no_nginx(host: Host) -> None:
    up(host, spec_of(service("api", 9000)))
    none = replace(spec_of(), proxy=ProxySpec())
    host.apply(*host.plan(none))
    assert not Path(host.launch.config).exists()


def test_health_verdicts_are_on_disk_before_nginx_is_up(host: Host) -> None:
    with pytest.raises(Unavailable):
        host.section.push_health({(ServiceName("api"), NodeName("home-1")): Health.DOWN})
    assert '"api/home-1":"down"' in Path(f"{host.layout.state}/health.json").read_text()
