"""``gridwire reach``: what this edge lets be published. The agent obeys this list, whatever control says."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.output import Format, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.errors import Invalid
from gridwire.core.targets import Reach, check_not_mesh, parse_reach

app = App(name="reach", help="What this edge lets be published.")


@app.command
def add(*addresses: str, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Allow targets to be published: 127.0.0.1:9000, 192.168.1.0/24:443, 127.0.0.1:9000-9010, unix:/run/app.sock

    Parameters
    ----------
    addresses
        Addresses or prefixes with ports, or Unix sockets.
    """
    from gridwire.adapters.settings import add_reach

    rules = _rules(addresses)
    check_not_mesh(rules, settings_from(settings).network.prefix, "addresses")
    _say(add_reach(rules, settings).reach, output)


@app.command
def remove(*addresses: str, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Take targets off the list; services on them are refused from then on.

    Parameters
    ----------
    addresses
        Entries as `gridwire reach list` prints them.
    """
    from gridwire.adapters.settings import remove_reach

    rules = _rules(addresses)
    _say(remove_reach(rules, settings).reach, output)


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Print the list."""
    reach = [str(rule) for rule in settings_from(settings).reach]
    show(reach, output, lambda: print_table(("REACH",), ((rule,) for rule in reach), empty=_NOTHING))


_NOTHING = "nothing of this host may be published; add to it with `gridwire reach add 127.0.0.1:PORT`"


def _rules(addresses: tuple[str, ...]) -> tuple[Reach, ...]:
    if not addresses:
        raise Invalid("addresses", "none was given", fix="give one, like 127.0.0.1:9000")
    return tuple(dict.fromkeys(parse_reach(address, "addresses") for address in addresses))


def _say(reach: tuple[Reach, ...], output: str) -> None:
    listed = [str(rule) for rule in reach]
    show(listed, output, lambda: say(f"may be published from this host: {', '.join(listed) or 'nothing'}"))
