"""``gridwire token``: API tokens, with which programs read or change the grid from an operator's device."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import NotFound
from gridwire.core.operators import May, operator_name
from gridwire.core.sessions import TOKEN_DAYS
from gridwire.protocol.operators import MadeToken, NewToken, Token

app = App(name="token", help="API tokens of operators.", default_parameter=Parameter(negative=()))


@app.command
def add(
    label: str,
    /,
    *,
    operator: Annotated[str, Parameter(help="Whose: it may no more than this operator, and ends with it.")],
    scope: Annotated[May, Parameter(help="read: look at everything; change: administer.")] = May.READ,
    days: Annotated[int, Parameter(help="How long it lasts, 366 at most.")] = TOKEN_DAYS,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> None:
    """Make a token and print it; it is shown this once. Keep it in a file of mode 0600.

    Parameters
    ----------
    label
        What it is for, in a word.
    """
    ask = NewToken(label=label, scope=scope, days=days, operator=operator_name(operator, "operator"))
    made = grid.post("/tokens", ask, MadeToken, settings)
    show(made, output, lambda: _print(made))


def _print(made: MadeToken) -> None:
    say(made.secret)
    token = made.token
    note(
        f"{token.operator}/{token.label} may {token.scope}, until {words.moment(token.expires)}; it is not shown again"
    )


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """All tokens; their secrets are known to nobody but who holds them."""
    tokens = grid.listing("/tokens", Token, settings)
    show(
        tokens,
        output,
        lambda: print_table(
            ("TOKEN", "MAY", "MADE", "EXPIRES", "LAST USED"),
            (
                (
                    f"{one.operator}/{one.label}",
                    one.scope,
                    words.moment(one.made),
                    words.moment(one.expires),
                    words.moment(one.used),
                )
                for one in tokens
            ),
            empty="there is no token; make one with `gridwire token add LABEL --operator NAME`",
        ),
    )


@app.command
def revoke(
    token: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT
) -> int | None:
    """Revoke a token at once.

    Parameters
    ----------
    token
        As `gridwire token list` names it: OPERATOR/LABEL.
    """
    owner, _, label = token.partition("/")
    found = next((t for t in grid.listing("/tokens", Token, settings) if (t.operator, t.label) == (owner, label)), None)
    if found is None:
        raise NotFound("there is no such token", fix="`gridwire token list` names them")
    name = f"{found.operator}/{found.label}"
    if not confirmed(f"Revoke {name}?", yes=yes, otherwise=f"gridwire token revoke {name} --yes"):
        note("nothing was changed")
        return 1
    grid.delete(f"/tokens/{found.id}", settings, versioned=False)
    show({"token": name, "state": "revoked"}, output, lambda: say(f"{name} opens nothing any more"))
    return None
