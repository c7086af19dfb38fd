"""``bridge``: the same two containers on a Docker bridge and on the host's network, from the same host and another.

The stack is bench/bridge's: nginx in front of an application, once with its connections to it kept, and once as most
tutorials leave it: nginx's default, a new one for each request. A published port is reached in two ways: what a host
sends to 127.0.0.1 goes through docker-proxy, a process; all else goes by DNAT, rules of the kernel. Docker's engine is
started by hand on a lab host, so that its bridge and rules are of that host's network alone.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from gridwire.core.errors import GridwireError, NotFinished, Unavailable
from gridwire.lab.bench import wrk
from gridwire.lab.bench.clone import BENCH, check_clone
from gridwire.lab.bench.cpu_time import cpu_seconds, family
from gridwire.lab.bench.scenario import Case, Goal, Prepared, Reading, Scenario, Side, Wanted
from gridwire.lab.compose import V1, Compose
from gridwire.lab.engine import Engine, missing
from gridwire.lab.host import Host
from gridwire.lab.processes import processes
from gridwire.lab.topology import Lab, Link, Place, build
from gridwire.lab.waiting import until

IMAGE: Final = Path.home() / ".cache/gridwire/compose/gridwire.tar"
_SERVER, _FAR = "server", "far"
_STREET: Final = Link(name="street", prefix=IPv4Network("192.0.2.0/24"))
_PORTS: Final = {"kept": (8080, 8081), "textbook": (8082, 8083)}  # of the host's network and of the bridge
_APP_PORTS: Final = {"kept": 9000, "textbook": 9001}
# Lines of nginx.conf by which upstream connections are kept; without them it is what `proxy_pass` alone does.
_KEEPS: Final = ("keepalive 64;", "proxy_http_version 1.1;", 'proxy_set_header Connection "";')
_CONNECTIONS: Final = 64
_CLOSE: Final = "Connection: close"
_CONDITIONS: Final = (
    "nginx and an application that costs next to nothing, in a container each, the same files for both",
    f"wrk with {_CONNECTIONS} connections; all share the machine's CPUs",
    "to 127.0.0.1 a published port leads through docker-proxy, to any other address by DNAT",
    "CPU is that of all processes of the containers' host, docker-proxy among them, and of the client: the work of a"
    " bridge in the kernel is done in whoever sends",
)


@contextmanager
def prepare(wanted: Wanted, say: Callable[[str], None]) -> Iterator[Prepared]:
    """Raise Unavailable where there is no engine, no Compose or no image."""
    check_clone()
    _check()
    with ExitStack() as stack:
        lab = build(
            (_STREET,), (Place(host=_SERVER, link="street", number=10), Place(host=_FAR, link="street", number=20))
        )
        stack.callback(lab.close)
        say("Docker's engine on a lab host")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gridwire-docker-")))
        engine = Engine(folder, lab.host(_SERVER))
        engine.start()
        stack.callback(engine.stop)
        engine.docker("load", "-q", "-i", str(IMAGE), timeout=300)
        say("the stack on a bridge, and on the host's network")
        for kind in _PORTS:
            files = _files(folder / kind, kind)
            for name in ("compose.yaml", "compose.host.yaml"):
                up = _compose(engine, files, name, kind)
                up("up", "-d")
                stack.callback(up, "down", "-t", "1", check=False)
        urls = {kind: _urls(lab, kind) for kind in _PORTS}
        for of_kind in urls.values():
            _wait_for(lab.host(_SERVER), of_kind["proxied"])
            _wait_for(lab.host(_FAR), of_kind["dnat"])
            _wait_for(lab.host(_FAR), of_kind["host"])
        yield Prepared(cases=_cases(lab, wanted, urls), programs=_programs(engine), conditions=_CONDITIONS)


def _check() -> None:
    if why := missing():
        raise Unavailable(why, fix="apt install docker.io, which need not run as a service")
    if not Path(V1).exists():
        raise Unavailable(f"{V1} is not there", fix="apt install docker-compose")
    if not IMAGE.exists():
        raise Unavailable(f"{IMAGE} is not there", fix="`make test-compose` builds the image")


def _files(folder: Path, kind: str) -> Path:
    """A copy of bench/bridge that stands beside the other: two applications on one host want two ports."""
    shutil.copytree(BENCH / "bridge", folder)
    for file in folder.glob("*.conf"):
        text = file.read_text().replace("8080", str(_PORTS[kind][0])).replace("9000", str(_APP_PORTS[kind]))
        lines = [line for line in text.splitlines() if kind == "kept" or line.strip() not in _KEEPS]
        file.write_text("\n".join(lines) + "\n")
    return folder


def _compose(engine: Engine, files: Path, name: str, kind: str) -> Compose:
    return Compose(
        engine=engine,
        program=V1,
        files=(files / name, files / "compose.fast.yaml"),
        environment={
            "BRIDGE_PORT": str(_PORTS[kind][1]),
            "COMPOSE_PROJECT_NAME": f"{kind}-{Path(name).stem.replace('.', '-')}",
        },
    )


def _urls(lab: Lab, kind: str) -> dict[str, str]:
    own, (host, bridge) = lab.address(_SERVER), _PORTS[kind]
    return {
        "host": f"http://{own}:{host}/",
        "dnat": f"http://{own}:{bridge}/",
        "local": f"http://127.0.0.1:{host}/",
        "proxied": f"http://127.0.0.1:{bridge}/",
    }


def _wait_for(host: Host, url: str) -> None:
    def answers() -> bool:
        try:
            wrk.parsed(host.run(wrk.command(url, seconds=1, connections=2), check=False).stdout)
        except GridwireError:
            return False
        return True

    try:
        until(answers, f"an answer from {url}", timeout=60)
    except NotFinished as error:
        raise Unavailable(str(error)) from None


def _programs(engine: Engine) -> dict[str, str]:
    return {"Docker": engine.docker("version", "--format", "{{.Server.Version}}").strip()}


def _cases(lab: Lab, wanted: Wanted, urls: dict[str, dict[str, str]]) -> tuple[Case, ...]:
    near, far = lab.host(_SERVER), lab.host(_FAR)
    return tuple(
        _case(lab, wanted, client, kind, close=close, urls=urls[kind])
        for kind, close in (("textbook", False), ("kept", False), ("kept", True))
        for client in (near, far)
    )


def _case(lab: Lab, wanted: Wanted, client: Host, kind: str, *, close: bool, urls: dict[str, str]) -> Case:
    near = client.name == _SERVER
    sides = [("host", "host network"), ("again", "host network, a second time"), ("dnat", "bridge, DNAT")]
    if near:
        sides.append(("proxied", "bridge, docker-proxy"))
    chosen = [side for side in sides if side[0] in ("host", "again") or wanted.wants(side[0])]
    own = urls["local" if near else "host"]
    headers = (_CLOSE,) if close else ()
    return Case(
        id=f"{'same' if near else 'another'}-host-{'close' if close else kind}",
        title=f"{_TITLES[kind, close]}, from {'the same' if near else 'another'} host",
        sides=tuple(
            _side(lab, client, name, title, own if name in ("host", "again") else urls[name], headers)
            for name, title in chosen
        ),
        reference="host",
        again="again",
        metrics=("rate", "cpu_us", "p50_ms", "p99_ms"),
        goals=tuple(
            goal for goal in _GOALS if near and kind == "textbook" and goal.side in {name for name, _ in chosen}
        ),
    )


# Promised of traffic on one host, and of the stack as people start with it. The tuned one is measured beside it.
_GOALS: Final = (Goal(side="dnat", metric="rate", least=1.5), Goal(side="proxied", metric="rate", least=3))
_TITLES: Final = {
    ("textbook", False): "nginx's defaults: a connection to the application for each request",
    ("kept", False): "all connections kept alive",
    ("kept", True): "a connection of the client's for each request",
}


def _side(lab: Lab, client: Host, name: str, title: str, url: str, headers: tuple[str, ...]) -> Side:
    server = lab.host(_SERVER)

    def measure(seconds: float) -> Reading:
        argv = wrk.command(url, seconds=seconds, connections=_CONNECTIONS, headers=headers)
        pids = [pid for process in processes(server) for pid in family(process.pid)]
        before, reaped = cpu_seconds(sorted(set(pids))), _reaped()
        load = wrk.parsed(client.run(argv, timeout=seconds + 60).stdout)
        used = cpu_seconds(sorted(set(pids))) - before + _reaped() - reaped
        return {
            "rate": load.rate,
            "cpu_us": used / load.requests * 1e6,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
        }

    return Side(id=name, title=title, measure=measure)


def _reaped() -> float:
    """CPU time of this program's own children that ended: the client's."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


SCENARIO: Final = Scenario(
    id="bridge",
    title="A Docker bridge beside the host's network",
    about="the same containers on a Docker bridge (DNAT, docker-proxy) and on the host's network, from near and afar",
    rounds=9,
    seconds=1,
    prepare=prepare,
)
