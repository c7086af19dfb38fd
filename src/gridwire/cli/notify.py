"""``gridwire notify``: where people are told that something is wrong, and what is wrong now."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.outcome import DONE, FAILED, UNHEALTHY
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.alerts import AlertKind
from gridwire.core.errors import Invalid
from gridwire.core.notifications import Destination, Mail, Ntfy, Webhook
from gridwire.protocol.notifications import AlertView, Delivery, Notification, Wanted

app = App(name="notify", default_parameter=Parameter(negative=()))
_LONGEST = 4096


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """Where people are told, and what came of the last try."""
    found = grid.listing("/notifications", Notification, settings)
    show(found, output, lambda: _print(found))
    return DONE


@app.command
def add(
    name: str,
    /,
    *,
    webhook: Annotated[bool, Parameter(help="POST of JSON; its URL is read from stdin.")] = False,
    ntfy: Annotated[
        str | None, Parameter(help="A server of ntfy, https://ntfy.sh; the topic is read from stdin.")
    ] = None,
    mail: Annotated[tuple[str, ...], Parameter(help="Addresses of mail.")] = (),
    smtp: Annotated[str | None, Parameter(help="HOST:PORT of the server that takes the mail.")] = None,
    security: Annotated[
        Literal["starttls", "tls", "none"], Parameter(help="How the way to it is closed.", show_choices=True)
    ] = "starttls",
    sender: Annotated[str | None, Parameter(help="From whom the mail is.")] = None,
    user: Annotated[str, Parameter(help="Who logs in there; the password is read from stdin.")] = "",
    only: Annotated[tuple[AlertKind, ...], Parameter(help="Of these alone.", show_choices=True)] = (),
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Set one as a whole. What is secret is read from stdin, a line each: a webhook's URL and the key that signs (may
    be empty), ntfy's topic and token (may be empty), or the password of --user."""
    to = _destination(webhook=webhook, ntfy=ntfy, mail=mail, smtp=smtp, security=security, sender=sender, user=user)
    wanted = Wanted(to=to, only=only)
    with grid.grid(settings) as api:
        made = api.request("PUT", f"{grid.API}/notifications/{name}", wanted, Notification, timeout=grid.PATIENCE).body
    show(made, output, lambda: say(f"{made.name}: {made.told}; try it: gridwire notify test {made.name}"))
    return DONE


@app.command
def remove(name: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """Nobody is told there any more; what waits for it is dropped."""
    if not confirmed(f"remove {name}?", yes=yes, otherwise=f"gridwire notify remove {name} --yes"):
        note("nothing was changed")
        return FAILED
    grid.delete(f"/notifications/{name}", settings, versioned=False)
    show({"notification": name, "state": "removed"}, output, lambda: say(f"nobody is told at {name} any more"))
    return DONE


@app.command(name="test")
def try_(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """Send something there now. Exit code 3 where it does not arrive."""
    with grid.grid(settings) as api:
        path = f"{grid.API}/notifications/{name}/test"
        delivery = api.request("POST", path, None, Delivery, timeout=2 * grid.PATIENCE).body
    show(delivery, output, lambda: say(delivery.what))
    return DONE if delivery.ok else UNHEALTHY


@app.command
def alerts(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """What is wrong now, the oldest first. Exit code 3 where anything is."""
    found = grid.listing("/alerts", AlertView, settings)
    show(found, output, lambda: _print_alerts(found))
    return UNHEALTHY if found else DONE


def _destination(
    *,
    webhook: bool,
    ntfy: str | None,
    mail: tuple[str, ...],
    smtp: str | None,
    security: Literal["starttls", "tls", "none"],
    sender: str | None,
    user: str,
) -> Destination:
    if webhook + (ntfy is not None) + bool(mail) != 1:
        raise Invalid("--webhook", "say where to", fix="one of --webhook, --ntfy URL, --mail ADDRESS --smtp HOST:PORT")
    if webhook:
        url, key = _lines("the webhook's URL", "the key that signs (may be empty)")
        return Webhook(url=url, key=key)
    if ntfy is not None:
        topic, token = _lines("the topic", "a token (may be empty)")
        return Ntfy(url=ntfy, topic=topic, token=token)
    host, _, port = (smtp or "").rpartition(":")
    if not host or not port.isdecimal() or sender is None:
        raise Invalid("--smtp", "mail needs a server and a sender", fix="--smtp HOST:PORT --sender ADDRESS")
    (password,) = _lines("the password") if user else ("",)
    return Mail(
        host=host.strip("[]"), port=int(port), security=security, user=user, password=password, sender=sender, to=mail
    )


def _lines(*asked: str) -> tuple[str, ...]:
    """A line of stdin for each; a missing one is empty."""
    if sys.stdin.isatty():
        from getpass import getpass

        return tuple(getpass(f"{what}: ") for what in asked)
    text = sys.stdin.read(_LONGEST).splitlines()
    return tuple(text[at].strip() if at < len(text) else "" for at in range(len(asked)))


def _print(found: tuple[Notification, ...]) -> None:
    now = datetime.now(UTC)
    print_table(
        ("NAME", "KIND", "WHERE", "OF", "WAITING", "LAST TRY", "OUTCOME"),
        (
            (
                one.name,
                one.kind,
                one.told,
                words.listed(map(str, one.only)) if one.only else "all",
                str(one.waiting),
                "-" if one.delivery is None else words.ago(one.delivery.at, now),
                "-" if one.delivery is None else one.delivery.what,
            )
            for one in found
        ),
        empty="nobody is told yet: gridwire notify add NAME --webhook",
    )


def _print_alerts(found: tuple[AlertView, ...]) -> None:
    now = datetime.now(UTC)
    print_table(
        ("ALERT", "OF", "SINCE", "WHAT", "WHAT TO DO", "TOLD"),
        (
            (one.kind, one.subject, words.ago(one.since, now), one.what, one.fix, "in silence" if one.silent else "yes")
            for one in found
        ),
        empty="nothing is wrong",
    )
