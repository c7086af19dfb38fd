"""``gridwire operator``: persons who may administer the grid, and the one-time links that let them in."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid, outcome, words
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Conflict
from gridwire.core.operators import May, OperatorName, operator_name
from gridwire.protocol.operators import LinkAsk, NewOperator, Operator, OperatorChange, OperatorLink

app = App(name="operator", help="Who may administer the grid.", default_parameter=Parameter(negative=()))


@app.command
def add(
    name: str,
    /,
    *,
    may: Annotated[May, Parameter(help="read: look at everything; change: administer.")] = May.CHANGE,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int | None:
    """Add an operator and print a one-time link, by which it sets its password. The link is shown this once.

    Parameters
    ----------
    name
        What the operator logs in as.
    """
    return _linked("/operators", NewOperator(name=operator_name(name), may=may), output, settings)


@app.command
def passwd(
    name: str,
    /,
    *,
    forget: Annotated[bool, Parameter(help="Codes and passkeys too, for who has lost them.")] = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int | None:
    """Print a new one-time link, by which the operator sets another password; the old one counts until then.

    Parameters
    ----------
    name
        The operator.
    """
    return _linked(f"/operators/{operator_name(name)}/link", LinkAsk(forget=forget), output, settings)


def _linked(path: str, ask: NewOperator | LinkAsk, output: str, settings: str) -> int | None:
    """3 where no device could open a link: what is missing comes first."""
    try:
        made = grid.post(path, ask, OperatorLink, settings)
    except Conflict as error:
        if error.code != "no-device":
            raise
        outcome.report(error)
        return outcome.UNHEALTHY
    show(made, output, lambda: _print_link(made))
    return None


def _print_link(made: OperatorLink) -> None:
    first, *others = made.urls
    say(first)
    note(f"opened once, on an operator's device, until {words.moment(made.expires)}: {made.operator} sets a password")
    for url in others:
        secure = url.startswith("https")
        where = "where the device trusts the grid's authority" if secure else "where that name is not known"
        note(f"{where}: {url}")


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """All operators."""
    operators = grid.listing("/operators", Operator, settings)
    show(
        operators,
        output,
        lambda: print_table(
            ("OPERATOR", "MAY", "STATE", "SECOND FACTOR", "SESSIONS", "TOKENS", "LAST LOGIN"),
            (
                (
                    one.name,
                    one.may,
                    _state(one),
                    _factor(one),
                    str(one.sessions),
                    str(one.tokens),
                    words.moment(one.logged_in),
                )
                for one in operators
            ),
            empty="there is no operator; add one with `gridwire operator add NAME`",
        ),
    )


def _state(operator: Operator) -> str:
    if operator.disabled:
        return "disabled"
    if operator.locked_until is not None:
        return f"locked until {words.moment(operator.locked_until)}"
    if operator.claimed:
        return "active"
    return "no password, " + ("a link is out" if operator.link_until is not None else "its link ran out")


def _factor(operator: Operator) -> str:
    passkeys = {0: [], 1: ["a passkey"]}.get(operator.passkeys, [f"{operator.passkeys} passkeys"])
    return " and ".join((["codes"] if operator.codes else []) + passkeys) or "none"


@app.command
def disable(
    name: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT
) -> int | None:
    """Let an operator in no more: sessions, API tokens and links end at once, and for good.

    Parameters
    ----------
    name
        The operator.
    """
    operator = operator_name(name)
    if not confirmed(f"Disable {operator}?", yes=yes, otherwise=f"gridwire operator disable {operator} --yes"):
        note("nothing was changed")
        return 1
    _change(operator, OperatorChange(disabled=True), f"{operator} is disabled", output, settings)
    return None


@app.command
def enable(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Let a disabled operator log in again.

    Parameters
    ----------
    name
        The operator.
    """
    operator = operator_name(name)
    _change(operator, OperatorChange(disabled=False), f"{operator} may log in", output, settings)


@app.command
def unlock(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Forget failed logins, so that the next is heard at once.

    Parameters
    ----------
    name
        The operator.
    """
    operator = operator_name(name)
    _change(operator, OperatorChange(unlock=True), f"{operator} may try again", output, settings)


@app.command(name="may")
def may_(name: str, may: May, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Change what an operator may: read or change.

    Parameters
    ----------
    name
        The operator.
    may
        read: look at everything; change: administer.
    """
    operator = operator_name(name)
    _change(operator, OperatorChange(may=may), f"{operator} may {may}", output, settings)


@app.command
def remove(name: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT) -> int | None:
    """Remove an operator, with sessions, API tokens and passkeys.

    Parameters
    ----------
    name
        The operator.
    """
    operator = operator_name(name)
    if not confirmed(f"Remove {operator}?", yes=yes, otherwise=f"gridwire operator remove {operator} --yes"):
        note("nothing was changed")
        return 1
    grid.delete(f"/operators/{operator}", settings)
    show({"operator": operator, "state": "removed"}, output, lambda: say(f"{operator} is gone"))
    return None


def _change(operator: OperatorName, change: OperatorChange, said: str, output: str, settings: str) -> None:
    changed = grid.patch(f"/operators/{operator}", change, Operator, settings)
    show(changed, output, lambda: say(said))
