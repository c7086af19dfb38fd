"""``bridge``: the same two containers on a Docker bridge and on the host's network, from the same host and another.

The stack is bench/bridge's: nginx in front of an application. A published port is reached in two ways: what a host
sends to 127.0.0.1 goes through docker-proxy, a process; all else goes by DNAT, rules of the kernel. Docker's engine is
started by hand on a lab host, so that its bridge and rules are of that host's network alone.
"""

from __future__ import annotations

import resource
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
_HOST_PORT, _BRIDGE_PORT = 8080, 8081
_CONNECTIONS: Final = 64
_CLOSE: Final = "Connection: close"
_CONDITIONS: Final = (
    "nginx and an application that costs next to nothing, in a container each, the same files for both; upstream"
    " connections kept alive",
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
        for name in ("compose.yaml", "compose.host.yaml"):
            up = _compose(engine, name)
            up("up", "-d")
            stack.callback(up, "down", "-t", "1", check=False)
        urls = _urls(lab)
        client = lab.host(_FAR)
        for host, url in ((lab.host(_SERVER), urls["proxied"]), (client, urls["dnat"]), (client, urls["host"])):
            _wait_for(host, url)
        yield Prepared(cases=_cases(lab, wanted, urls), programs=_programs(engine), conditions=_CONDITIONS)


def _check() -> None:
    if why := missing():
        raise Unavailable(why, fix="apt install docker.io, which need not run as a service")
    if not Path(V1).exists():
        raise Unavailable(f"{V1} is not there", fix="apt install docker-compose")
    if not IMAGE.exists():
        raise Unavailable(f"{IMAGE} is not there", fix="`make test-compose` builds the image")


def _compose(engine: Engine, name: str) -> Compose:
    folder = BENCH / "bridge"
    return Compose(
        engine=engine,
        program=V1,
        files=(folder / name, folder / "compose.fast.yaml"),
        environment={"BRIDGE_PORT": str(_BRIDGE_PORT), "COMPOSE_PROJECT_NAME": Path(name).stem.replace(".", "-")},
    )


def _urls(lab: Lab) -> dict[str, str]:
    own = lab.address(_SERVER)
    return {
        "host": f"http://{own}:{_HOST_PORT}/",
        "dnat": f"http://{own}:{_BRIDGE_PORT}/",
        "local": f"http://127.0.0.1:{_HOST_PORT}/",
        "proxied": f"http://127.0.0.1:{_BRIDGE_PORT}/",
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


def _cases(lab: Lab, wanted: Wanted, urls: dict[str, str]) -> tuple[Case, ...]:
    near, far = lab.host(_SERVER), lab.host(_FAR)
    local = (("host", "host network", "local"), ("again", "host network, a second time", "local"))
    distant = (("host", "host network", "host"), ("again", "host network, a second time", "host"))
    dnat, proxied = ("dnat", "bridge, DNAT", "dnat"), ("proxied", "bridge, docker-proxy", "proxied")
    goals = (Goal(side="dnat", metric="rate", least=1.5), Goal(side="proxied", metric="rate", least=3))
    cases = []
    for place, client, sides in (("same host", near, (*local, dnat, proxied)), ("another host", far, (*distant, dnat))):
        for kept, headers in (("connections kept alive", ()), ("a connection for each request", (_CLOSE,))):
            chosen = [side for side in sides if side[0] in ("host", "again") or wanted.wants(side[0])]
            cases.append(
                Case(
                    id=f"{place.replace(' ', '-')}-{'close' if headers else 'keep'}",
                    title=f"from {'the ' if client is near else ''}{place}, {kept}",
                    sides=tuple(_side(lab, client, name, title, urls[url], headers) for name, title, url in chosen),
                    reference="host",
                    again="again",
                    metrics=("rate", "cpu_us", "p50_ms", "p99_ms"),
                    goals=tuple(goal for goal in goals if client is near and goal.side in {one[0] for one in chosen}),
                )
            )
    return tuple(cases)


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
