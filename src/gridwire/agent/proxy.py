"""nginx on this host: observe, plan, apply; the edge's consent; the gateway's verdicts on health."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gridwire.adapters.clock import utc_now
from gridwire.adapters.files import Reread
from gridwire.adapters.nginx import (
    Door,
    Launch,
    Nginx,
    PanelSource,
    end_nginx,
    find_nginx,
    place_panel,
    placed_panel,
    read_text,
    reload_nginx,
    remove,
    rotate_logs,
    signal_master,
    test_config,
    write_text,
)
from gridwire.adapters.sockets import holders
from gridwire.agent.certificates import Certificates
from gridwire.core import paths
from gridwire.core.actions import Action
from gridwire.core.certificates import CertificatesObserved
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.health import EndpointHealth, Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.observed import Known, Unknown
from gridwire.core.panel import Built
from gridwire.core.proxy import EdgeTable, Listener, ProxySpec
from gridwire.core.proxy_plan import (
    AwaitNginx,
    Document,
    PlacePanel,
    ProxyObserved,
    ProxyWanted,
    PushDocument,
    ReloadNginx,
    RemoveConfig,
    StopNginx,
    WriteConfig,
    WriteDocument,
    plan_proxy,
    text_digest,
)
from gridwire.core.settings import PathSettings
from gridwire.core.spec import NodeSpec
from gridwire.core.targets import Reach, consents
from gridwire.render.nginx import Layout, render_config
from gridwire.render.routing_data import (
    certificate_data,
    document_digest,
    document_text,
    edge_data,
    health_data,
    panel_data,
    routing_data,
)

_DOCUMENTS = ("routing", "edge", "panel", "certificates")
_AWAIT_SECONDS = 1.0
_LOOK_SECONDS = 0.5  # an nginx that does not tell its state in this time is away: others wait behind the one who looks
_POLL = 0.05


def launch_of(binary: str, layout: Layout) -> Launch:
    """What `gridwire nginx run` needs to know to become the nginx of this layout."""
    return Launch(
        binary=binary,
        config=f"{layout.state}/nginx.conf",
        state=layout.state,
        pid_file=layout.pid,
        door_socket=layout.door_socket,
        logs=layout.logs,
        user=layout.user,
    )


def default_layout(nginx: Nginx) -> Layout:
    return Layout(modules=nginx.modules, lua=nginx.lua)


def layout_at(where: PathSettings) -> Callable[[Nginx], Layout]:
    """The layout below the directories of this host's settings, where `gridwire nginx run` looks for it."""
    return lambda nginx: replace(
        default_layout(nginx),
        state=where.nginx_state,
        pid=where.nginx_pid,
        door_socket=where.door_socket,
        control_socket=where.control_socket,
        logs=where.logs,
    )


class ProxySection:
    """The nginx of this host. ``consent``: the edge's reach list, read anew for every plan; ``panel``: the files."""

    name = "proxy"

    def __init__(
        self,
        *,
        consent: Callable[[], tuple[Reach, ...]],
        nginx: Callable[[], Nginx] = find_nginx,
        layout: Callable[[Nginx], Layout] = default_layout,
        panel: PanelSource | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        self._consent = consent
        self._find = nginx
        self._layout_of = layout
        self._certificates = certificates
        self._panel = panel if panel is not None else PanelSource()
        self._listeners: tuple[Listener, ...] = ()  # of the last plan: who holds their ports is asked where nginx fails
        self._rendered: tuple[ProxySpec, tuple[Reach, ...], Nginx, Built | None, ProxyWanted] | None = None
        state = Path(self._paths().state)
        self._config_digest = _file_digest(state / "nginx.conf", text_digest)
        self._file_digests = {name: _file_digest(state / f"{name}.json", document_digest) for name in _DOCUMENTS}

    def observe(self) -> Known[ProxyObserved | None] | Unknown:
        """Read files and ask the door; change nothing. None where this host has no nginx of ours and no state."""
        try:
            layout = self._paths()
            config = self._config_digest()
            digests = {name: digest() for name, digest in self._file_digests.items()}
        except GridwireError as error:
            return Unknown(str(error))
        running: str | None = None
        served: tuple[tuple[str, str], ...] = ()
        with suppress(Unavailable):
            state = Door(layout.door_socket, timeout=_LOOK_SECONDS).state()
            running = str(state["config"])
            served = tuple(
                (name, str(told["digest"]))
                for name, told in sorted(state["documents"].items())
                if name in _DOCUMENTS and not told["behind"]
            )
        files = tuple((name, digest) for name, digest in digests.items() if digest is not None)
        if config is None and running is None and not files:
            return Known(None)
        return Known(
            ProxyObserved(
                config=config,
                running=running,
                files=files,
                served=served,
                panel=placed_panel(layout.panel),
                certificates=None if self._certificates is None else self._certificates.observe(),
            )
        )

    def plan(
        self, spec: NodeSpec, observed: Known[ProxyObserved | None] | Unknown, now: datetime | None = None
    ) -> tuple[Action, ...]:
        """Raise Unavailable where nginx is wanted and not installed."""
        self._listeners = spec.proxy.listeners
        wanted = self._wanted(spec.proxy)
        if wanted is not None and self._certificates is not None:
            seen = observed.value if isinstance(observed, Known) else None
            held = None if seen is None else seen.certificates
            wanted = _certified(wanted, self._certificates, spec, held, now or utc_now())
        return plan_proxy(wanted, observed)

    def apply(self, action: Action) -> None:
        """Do one action of plan_proxy; raise Unavailable for what may come later, Invalid for what nginx refuses."""
        if self._certificates is not None and self._certificates.apply(action):
            return
        layout = self._paths()
        config = f"{layout.state}/nginx.conf"
        door = Door(layout.door_socket)
        match action:
            case WriteDocument(name=name, text=text):
                write_text(f"{layout.state}/{name}.json", text)
            case WriteConfig(text=text):
                self._write_config(layout, text)
            case ReloadNginx(running=running):
                self._reload(layout, running)
            case PlacePanel(digest=digest):
                self._place_panel(layout, digest)
            case PushDocument(name=name, text=text):
                door.push(name, text)
            case AwaitNginx(running=running):
                _await(Door(layout.door_socket, timeout=_LOOK_SECONDS), running, self._listeners)
            case RemoveConfig():
                remove(config)
            case StopNginx():
                signal_master(layout.pid, config, signal.SIGQUIT)
            case _:
                raise Unavailable(f"{type(action).__name__} is no action of nginx's")

    def refused(self, spec: NodeSpec) -> tuple[EndpointHealth, ...]:
        """The services of a spec that this edge does not consent to: not served, and reported so."""
        if spec.proxy.edge is None:
            return ()
        reach = self._consent()
        return tuple(
            EndpointHealth(
                service=service.service,
                node=spec.node,
                seen_by=spec.node,
                health=Health.REFUSED,
                reason=f"{spec.node} does not allow {service.target}",
            )
            for service in spec.proxy.edge.services
            if not consents(reach, service.target)
        )

    def push_health(self, states: Mapping[tuple[ServiceName, NodeName], Health]) -> None:
        """The gateway's own verdicts, to disk and to nginx; raise Unavailable where nginx is away."""
        layout = self._paths()
        text = document_text(health_data(states))
        if read_text(f"{layout.state}/health.json") != text:
            write_text(f"{layout.state}/health.json", text)
        Door(layout.door_socket).push("health", text)

    def rotate_logs(self) -> tuple[str, ...]:
        """Rotate what has grown too large; return the names."""
        layout = self._paths()
        return rotate_logs(layout.logs, pid_file=layout.pid, config=f"{layout.state}/nginx.conf")

    def end(self) -> bool:
        """End nginx at once, requests and all; whether one ran. What starts it again waits for the guard."""
        layout = self._paths()
        return end_nginx(layout.pid, f"{layout.state}/nginx.conf")

    def door(self) -> Door:
        return Door(self._paths().door_socket)

    def _paths(self) -> Layout:
        """Where files lie does not depend on an nginx that may not be installed."""
        return self._layout_of(Nginx(binary="", version=(), modules=(), lua=()))

    def _wanted(self, spec: ProxySpec) -> ProxyWanted | None:
        if not spec.listeners:
            return None
        reach, nginx, known = self._consent(), self._find(), self._rendered
        built = None if spec.panel is None else self._panel()
        # One and the same spec, which is planned every other second, is rendered once: it takes milliseconds.
        if known is not None and known[0] is spec and known[1:4] == (reach, nginx, built):
            return known[4]
        wanted = self._render(spec, reach, nginx, built)
        self._rendered = (spec, reach, nginx, built, wanted)
        return wanted

    def _render(self, spec: ProxySpec, reach: tuple[Reach, ...], nginx: Nginx, built: Built | None) -> ProxyWanted:
        config = render_config(spec.listeners, self._layout_of(nginx))
        documents = []
        if spec.routing is not None:
            documents.append(_document("routing", spec.routing.version, document_text(routing_data(spec.routing))))
        if spec.edge is not None:
            edge = _consented(spec.edge, reach)
            documents.append(_document("edge", edge.version, document_text(edge_data(edge))))
        if spec.panel is not None:
            documents.append(_document("panel", spec.panel.version, document_text(panel_data(spec.panel, built))))
        return ProxyWanted(
            config=config.text,
            running=config.digest,
            documents=tuple(documents),
            panel=None if built is None else built.digest,
        )

    def _place_panel(self, layout: Layout, digest: str) -> None:
        folder = self._panel.folder()
        if folder is None:
            raise Unavailable("the panel's files are gone", fix="install gridwire again, or `make panel`")
        place_panel(folder, layout.panel, digest)

    def _write_config(self, layout: Layout, text: str) -> None:
        config = f"{layout.state}/nginx.conf"
        candidate = f"{layout.state}/candidate.conf"
        write_text(candidate, text)
        try:
            test_config(self._find().binary, candidate, covers=_covers(layout), user=layout.user)
        finally:
            remove(candidate)
        if (before := read_text(config)) is not None:
            write_text(f"{config}.previous", before)
        write_text(config, text)

    def _reload(self, layout: Layout, running: str) -> None:
        """Where nginx refuses, the text that it does run is put back: a restart must not meet the refused one."""
        config = f"{layout.state}/nginx.conf"
        try:
            looking = Door(layout.door_socket, timeout=_LOOK_SECONDS)
            reload_nginx(layout.pid, config, digest=running, door=looking)
        except Unavailable as error:
            previous = read_text(f"{config}.previous")
            if previous is not None:
                write_text(config, previous)
            raise GridwireError(error.what, fix=error.fix, code="nginx-refused") from error


def _certified(
    wanted: ProxyWanted,
    certificates: Certificates,
    spec: NodeSpec,
    held: Known[CertificatesObserved] | Unknown | None,
    now: datetime,
) -> ProxyWanted:
    """With what is due of certificates, which time decides and not the spec alone."""
    plan = certificates.plan(spec, held if held is not None else certificates.observe(), now)
    if plan is None:
        return wanted
    document = _document("certificates", spec.version, document_text(certificate_data(spec.version, plan.table)))
    return replace(wanted, certificates=plan, documents=(*wanted.documents, document))


def _covers(layout: Layout) -> tuple[str, ...]:
    """State first: the test reads its candidate there."""
    return tuple(dict.fromkeys((layout.state, layout.logs, layout.pid.rpartition("/")[0])))


def _consented(table: EdgeTable, reach: tuple[Reach, ...]) -> EdgeTable:
    return replace(table, services=tuple(s for s in table.services if consents(reach, s.target)))


def _file_digest(path: Path, digest: Callable[[str], str]) -> Reread[str | None]:
    def read() -> str | None:
        text = read_text(str(path))
        return None if text is None else digest(text)

    return Reread(path, read)


def _document(name: str, version: tuple[int, int], text: str) -> Document:
    return Document(name=name, version=version, text=text, digest=document_digest(text))


def _await(door: Door, running: str, listeners: tuple[Listener, ...]) -> None:
    deadline = time.monotonic() + _AWAIT_SECONDS
    while time.monotonic() < deadline:
        with suppress(Unavailable):
            if door.state().get("config") == running:
                return
        time.sleep(_POLL)
    for listener in listeners:
        _check_free(listener)
    raise Unavailable("nginx is not running yet", fix=f"`gridwire nginx run` or gridwire-nginx.service ({paths.RUN})")


def _check_free(listener: Listener) -> None:
    """Raise Unavailable with the name of who keeps our nginx from listening."""
    for one in holders("tcp", listener.port, listener.address):
        if one.process == "nginx" and one.address == listener.address:
            continue  # our own, which does not answer yet
        who = f"{one.process or 'another process'}{f' (pid {one.pid})' if one.pid else ''}"
        raise Unavailable(
            f"nginx cannot start: port {listener.port} is held by {who} on {one.address}",
            fix=f"end it, or have it listen on another address than {listener.address}",
            code="port-taken",
        )
