"""``gridwire route``: a host and path opened to those who may use it."""

from __future__ import annotations

import re

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.fleet import Route, check_path
from gridwire.core.names import RouteName, host_pattern, route_name, service_name
from gridwire.protocol.api import RouteOutcome

app = App(name="route", help="Open a host and path to those who may use it.", default_parameter=Parameter(negative=()))


@app.command
def add(
    *,
    host: str,
    to: str,
    path: str = "/",
    allow: tuple[str, ...] = (),
    name: str | None = None,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> None:
    """Add a route, or change the one of its name.

    Parameters
    ----------
    host
        A name of one label stands under the grid's domain; *.api and names in full work too.
    to
        The service.
    path
        A prefix of whole segments.
    allow
        Who may use it: role:client, tag:site=a, node:phone, policy:home. May be repeated. Nobody, if left out.
    name
        What the route is called; made of host and path if left out.
    """
    route = Route(
        name=route_name(name, "name") if name is not None else derived_name(host, path),
        host=host if host == "*" else host_pattern(host),
        path=check_path(path),
        to=service_name(to, "to"),
        allow=grid.selectors(allow, "allow", settings),
    )
    outcome = grid.put(f"/routes/{route.name}", route, RouteOutcome, settings)
    show(outcome, output, lambda: _say(outcome))


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """All routes."""
    routes = grid.listing("/routes", Route, settings)
    show(
        routes,
        output,
        lambda: print_table(
            ("ROUTE", "HOST", "PATH", "TO", "ALLOW"),
            ((r.name, r.host, r.path, r.to, words.listed(r.allow)) for r in routes),
            empty="there is no route; add one with `gridwire route add --host NAME --to SERVICE --allow role:client`",
        ),
    )


@app.command(name="show")
def show_(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """One route.

    Parameters
    ----------
    name
        The route.
    """
    route = grid.get(f"/routes/{route_name(name)}", Route, settings)
    rows = (("host", route.host), ("path", route.path), ("to", str(route.to)), ("allow", words.listed(route.allow)))
    show(route, output, lambda: print_table(("", route.name), rows, empty=""))


@app.command
def remove(name: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT) -> int | None:
    """Close a route.

    Parameters
    ----------
    name
        The route.
    """
    route = route_name(name)
    if not confirmed(f"Remove {route}?", yes=yes, otherwise=f"gridwire route remove {route} --yes"):
        note("nothing was changed")
        return 1
    grid.delete(f"/routes/{route}", settings)
    show({"route": route, "state": "removed"}, output, lambda: say(f"{route} is gone"))
    return None


def derived_name(host: str, path: str) -> RouteName:
    """``api`` + ``/v1`` → ``api-v1``; raise Invalid where host or path is wrong."""
    if host != "*":
        host_pattern(host)
    check_path(path)
    text = re.sub(r"[^a-z0-9]+", "-", f"{host.replace('*', 'any')}{path}".lower()).strip("-")
    return route_name(text[:63].rstrip("-"))


def _say(outcome: RouteOutcome) -> None:
    say(
        f"{outcome.url} → {outcome.route.to}, {words.endpoint_list(outcome.endpoints)}. "
        f"Can open it: {words.listed(outcome.can_open)}."
        + (f" Cannot: {words.listed(outcome.cannot_open)}." if outcome.cannot_open else "")
    )
    for advice in outcome.advice:
        say(advice)
