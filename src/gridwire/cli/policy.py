"""``gridwire policy``: named sets of selectors that routes share as ``policy:NAME``."""

from __future__ import annotations

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Policy
from gridwire.core.names import policy_name

app = App(name="policy", help="Name a set of selectors that routes share.", default_parameter=Parameter(negative=()))


@app.command(name="set")
def set_(name: str, /, *, allow: tuple[str, ...], output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Make a policy, or change it; routes that name it follow at once.

    Parameters
    ----------
    name
        The policy; routes name it as policy:NAME.
    allow
        Who: role:client, tag:site=a, node:phone. May be repeated.
    """
    chosen = grid.selectors(allow, "allow", settings)
    if not chosen:
        raise Invalid("allow", "nobody is named", fix="give --allow role:client, tag:key=value or node:NAME")
    policy = Policy(name=policy_name(name), allow=chosen)
    saved = grid.put(f"/policies/{policy.name}", policy, Policy, settings)
    show(saved, output, lambda: say(f"policy:{saved.name} allows {words.listed(saved.allow)}"))


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """All policies."""
    policies = grid.listing("/policies", Policy, settings)
    show(
        policies,
        output,
        lambda: print_table(
            ("POLICY", "ALLOW"),
            ((p.name, words.listed(p.allow)) for p in policies),
            empty="there is no policy; make one with `gridwire policy set NAME --allow role:client`",
        ),
    )


@app.command
def remove(name: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT) -> int | None:
    """Remove a policy; refused while a route names it.

    Parameters
    ----------
    name
        The policy.
    """
    policy = policy_name(name)
    if not confirmed(f"Remove {policy}?", yes=yes, otherwise=f"gridwire policy remove {policy} --yes"):
        note("nothing was changed")
        return 1
    grid.delete(f"/policies/{policy}", settings)
    show({"policy": policy, "state": "removed"}, output, lambda: say(f"{policy} is gone"))
    return None
