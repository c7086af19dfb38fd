"""``gridwire guard``: the packet rules and routing rules, by themselves."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli.outcome import DONE, FAILED, UNHEALTHY
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, awaited, settings_from, wait_for
from gridwire.core.errors import Unavailable
from gridwire.core.guard import plan_guard
from gridwire.core.observed import Unknown
from gridwire.core.spec import NodeSpec

app = App(name="guard", help="Load, show or remove the packet guard.", default_parameter=Parameter(negative=()))


@app.command
def load(
    *,
    wait: Annotated[bool, Parameter(help="Until this host is part of a grid.")] = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> None:
    """Load the guard of the last saved spec: before there is a network, and whenever it was flushed."""
    from gridwire.agent.guard import load_guard

    require_root("load the guard")
    if wait:
        _await_spec(settings)
    done = [action.reason for action in load_guard(_spec(settings))]
    _say_done(done, output)


@app.command(name="show")
def show_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """Whether the guard stands, and what it counted. Exit code 3 where it does not, or nobody can tell."""
    from gridwire.agent.guard import GuardSection

    require_root("read the guard")
    spec = _spec(settings)
    section = GuardSection()
    observed = section.observe()
    unread = observed.reason if isinstance(observed, Unknown) else ""
    stands = None if unread else not plan_guard(spec.guard, observed)
    counters = section.counters() if stands else {}
    openings = [{"role": o.role, "addresses": o.addresses, "tcp_ports": o.tcp_ports} for o in spec.guard.openings]
    findings = section.findings()
    value = {"stands": stands, "unknown": unread, "openings": openings, "counters": counters, "findings": findings}

    def table() -> None:
        if unread:
            say(f"whether the guard stands is unknown: {unread}")
        else:
            say("the guard stands" if stands else "the guard does not stand: `gridwire guard load`")
        rows = [
            (o.role, ", ".join(map(str, o.tcp_ports)), ", ".join(map(str, o.addresses)) or "nobody")
            for o in spec.guard.openings
        ]
        print_table(("ROLE", "TCP PORTS", "FROM"), rows, empty="nothing is open on this node")
        print_table(
            ("COUNTER", "PACKETS", "BYTES"),
            ((name, str(packets), str(size)) for name, (packets, size) in counters.items()),
            empty="",
        )
        for finding in findings:
            say(f"{finding.severity}: {finding.what}{f'; {finding.fix}' if finding.fix else ''}")

    show(value, output, table)
    return DONE if stands else UNHEALTHY


@app.command
def remove(*, yes: Yes = False, output: Format = "table") -> int:
    """Take the guard off. Mesh addresses can then be reached from any link of this host."""
    from gridwire.agent.guard import remove_guard

    require_root("remove the guard")
    question = "Without the guard anybody on a link of this host reaches its mesh address. Remove it?"
    if not confirmed(question, yes=yes, otherwise="gridwire guard remove --yes"):
        note("nothing was changed")
        return FAILED
    _say_done([action.reason for action in remove_guard()], output)
    return DONE


def _say_done(done: list[str], output: str) -> None:
    """To a person beside the data, as it always was: the unit's journal has it; to a machine as data."""
    if output == "table":
        for reason in done:
            note(reason)
    else:
        show({"done": done}, output, lambda: None)


def _await_spec(settings: str) -> None:
    from gridwire.agent.state_dir import AgentState

    state = AgentState(settings_from(awaited(settings)).paths.agent_state)
    wait_for(lambda: state.load_spec().spec is not None, "this host's first spec")


def _spec(settings: str) -> NodeSpec:
    from gridwire.agent.state_dir import AgentState

    saved = AgentState(settings_from(settings).paths.agent_state).load_spec()
    for finding in saved.findings:
        note(f"{finding.severity}: {finding.what}")
    if saved.spec is None:
        raise Unavailable("no spec was saved on this host yet", fix="run `gridwire init` or `gridwire join`")
    return saved.spec
