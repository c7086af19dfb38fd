"""``gridwire service``: named upstreams that run on edge nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.output import Format, Yes, confirmed, fields, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Balance, Service
from gridwire.core.health import HealthCheck, parse_health
from gridwire.core.names import NodeName, node_name, service_name, shown
from gridwire.core.targets import parse_target
from gridwire.protocol.api import ServiceOutcome, Status

app = App(name="service", help="Publish what runs on edge nodes.", default_parameter=Parameter(negative=()))


@app.command
def publish(
    name: str,
    /,
    *,
    to: str,
    on: tuple[str, ...],
    health: str = "tcp",
    interval: str = "1s",
    timeout: str = "1s",
    rise: int = 2,
    fall: int = 2,
    balance: Literal["round-robin", "least-connections"] = "round-robin",
    weight: tuple[str, ...] = (),
    retries: int = 2,
    read_timeout: Annotated[int, Parameter(help="Milliseconds without a byte of the answer.")] = 60_000,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> None:
    """Publish a service, or change it.

    Parameters
    ----------
    name
        The service.
    to
        Where it listens on each of its nodes: 127.0.0.1:9000, unix:/run/app.sock or an address of their LAN.
    on
        On which edge nodes: tag:site=a, node:home-1, role:edge. May be repeated.
    health
        How it is checked: tcp, http:/healthz or http:/healthz=204.
    interval
        From one check to the next: 500ms, 2s, 1m.
    timeout
        How long a check waits for its answer.
    rise
        So many passing checks in a row bring an endpoint back.
    fall
        So many failing checks in a row take an endpoint out.
    balance
        How its endpoints are picked.
    weight
        A node's share: home-1=3. May be repeated.
    retries
        On how many other endpoints a request may be tried where that is safe.
    """
    service = Service(
        name=service_name(name),
        target=parse_target(to, "to"),
        on=grid.selectors(on, "on", settings),
        health=_check(health, interval, timeout, rise, fall),
        balance=Balance(balance),
        weights=tuple(_weight(text) for text in weight),
        retries=retries,
        read_timeout_ms=read_timeout,
    )
    outcome = grid.put(f"/services/{service.name}", service, ServiceOutcome, settings)
    show(outcome, output, lambda: _say(outcome))


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """All services."""
    services = grid.listing("/services", Service, settings)
    show(
        services,
        output,
        lambda: print_table(
            ("SERVICE", "TO", "ON", "HEALTH", "BALANCE"),
            ((s.name, str(s.target), words.listed(s.on), _health(s.health), str(s.balance)) for s in services),
            empty="there is no service; publish one with `gridwire service publish NAME --to 127.0.0.1:PORT --on …`",
        ),
    )


@app.command(name="show")
def show_(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """One service, and how its endpoints are.

    Parameters
    ----------
    name
        The service.
    """
    service = grid.get(f"/services/{service_name(name)}", Service, settings)
    endpoints = next(
        (s.endpoints for s in grid.get("/status", Status, settings).services if s.service.name == service.name), ()
    )
    rows = (
        ("to", str(service.target)),
        ("on", words.listed(service.on)),
        ("health", _kind(service.health)),
        ("checked", words.listed(_pace(service.health).values())),
        ("balance", str(service.balance)),
        (
            "weights",
            words.listed(f"{node}={weight}" for node, weight in service.weights) if service.weights else "all 1",
        ),
        ("retries", str(service.retries)),
        *((endpoint.node, words.endpoint_state(endpoint)) for endpoint in endpoints),
    )
    show({**fields(service), "endpoints": endpoints}, output, lambda: print_table(("", service.name), rows, empty=""))


@app.command
def remove(name: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT) -> int | None:
    """Take a service out of the grid; refused while a route goes to it.

    Parameters
    ----------
    name
        The service.
    """
    service = service_name(name)
    if not confirmed(f"Remove {service}?", yes=yes, otherwise=f"gridwire service remove {service} --yes"):
        note("nothing was changed")
        return 1
    grid.delete(f"/services/{service}", settings)
    show({"service": service, "state": "removed"}, output, lambda: say(f"{service} is gone"))
    return None


def _weight(text: str) -> tuple[NodeName, int]:
    node, equals, number = text.partition("=")
    if not equals or not (number.isascii() and number.isdigit() and len(number) <= 4):
        raise Invalid("weight", f"{shown(text)} is not a weight", fix="write it as NODE=3")
    return node_name(node, "weight"), int(number)


def _check(health: str, interval: str, timeout: str, rise: int, fall: int) -> HealthCheck:
    """Raise Invalid that names the option, where HealthCheck would name its own field."""
    check = parse_health(health, "health")
    for option, field, value in (
        ("interval", "interval_ms", words.milliseconds_of(interval, "interval")),
        ("timeout", "timeout_ms", words.milliseconds_of(timeout, "timeout")),
        ("rise", "rise", rise),
        ("fall", "fall", fall),
    ):
        given: dict[str, Any] = {field: value}
        try:
            check = replace(check, **given)
        except Invalid as error:
            raise Invalid(option, error.what, fix=error.fix) from None
    return check


def _health(check: HealthCheck) -> str:
    """``http:/healthz, every 5s``: the check, and what of its pace is not as usual."""
    usual = _pace(HealthCheck())
    return words.listed([_kind(check), *(said for field, said in _pace(check).items() if said != usual[field])])


def _kind(check: HealthCheck) -> str:
    """As parse_health reads it."""
    status = "" if check.status == 200 else f"={check.status}"
    return f"http:{check.path}{status}" if check.kind == "http" else "tcp"


def _pace(check: HealthCheck) -> dict[str, str]:
    return {
        "interval": f"every {words.milliseconds(check.interval_ms)}",
        "timeout": f"timeout {words.milliseconds(check.timeout_ms)}",
        "rise": f"rise {check.rise}",
        "fall": f"fall {check.fall}",
    }


def _say(outcome: ServiceOutcome) -> None:
    say(f"{outcome.service.name} → {outcome.service.target}, {words.endpoint_list(outcome.endpoints)}")
    for advice in outcome.advice:
        say(advice)
