"""``gridwire demo``: build a grid out of network namespaces and prove what gridwire promises."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli import demo_progress
from gridwire.cli.outcome import DONE, FAILED
from gridwire.cli.output import Format, note, print_table, say, show
from gridwire.core.errors import Invalid

app = App(name="demo", default_parameter=Parameter(negative=()))


@app.default
def demo(
    *,
    only: Annotated[str | None, Parameter(help="Run some proofs: ID[,ID].")] = None,
    list_: Annotated[bool, Parameter(name="--list", help="Say what would run, and why as whom.")] = False,
    needs: Annotated[bool, Parameter(help="Print `sudo` or `nothing`: what this host wants before the demo.")] = False,
    keep: Annotated[bool, Parameter(help="Leave the grid running; see `gridwire lab`.")] = False,
    serve: Annotated[
        str | None, Parameter(help="Let this host's browser reach routes: 127.0.0.1:8080 → http://api.localhost:8080")
    ] = None,
    input_: Annotated[
        Path | None, Parameter(name="--input", help="Records to send, JSON lines with an id each, not generated ones.")
    ] = None,
    output: Format = "table",
) -> int:
    """Build a grid out of network namespaces on this host, prove what gridwire promises, take it all away again."""
    from gridwire.adapters.nginx import find_panel
    from gridwire.cli.demo_rights import become_root, needed
    from gridwire.lab import demo as lab_demo
    from gridwire.lab import relay, user_namespace
    from gridwire.lab.proofs.claims import chosen

    if needs:
        say(needed(user_namespace.standing()))
        return DONE
    claims = chosen(only)
    if list_:
        _list(claims)
        return DONE
    become_root("gridwire demo")
    _stop_on_signals()
    listener = None if serve is None else relay.bound(serve)
    panel = relay.after(listener) if listener is not None and not keep and find_panel() is not None else None
    wanted = lab_demo.Wanted(claims=claims, keep=keep, listener=listener, panel=panel, source=input_)
    stay = None
    if listener is not None:
        url = f"http://api.localhost:{listener.getsockname()[1]}"
        note(f"when the grid stands: {url}")
        stay = None if keep else demo_progress.waiting(url)
    with demo_progress.progress() as shown:
        done = lab_demo.run(wanted, shown, linger=stay)
    if output != "table":
        show(lab_demo.document(done), output, lambda: None)
    else:
        failed = [proof.id for proof in done.proofs if not proof.ok]
        result = f"{len(done.proofs)} proofs, all met" if done.ok else f"not met: {', '.join(failed)}"
        say(f"{result}, in {done.seconds:.0f} s")
    if serve is None and output == "table":
        note("look at it, and at its panel: make demo ARGS='--only spread --serve 127.0.0.1:8080'")
    if done.kept is not None:
        note("the grid still runs: gridwire lab list | gridwire lab exec HOST -- CMD | gridwire lab down")
    return DONE if done.ok else FAILED


@app.command(name="weak-host")
def weak_host(
    *,
    card: Annotated[Path | None, Parameter(help="Draw it into this file, as SVG.")] = None,
    output: Format = "table",
) -> int:
    """Show that binding to a mesh address hides nothing, and that the guard does: twenty seconds, alone."""
    from gridwire.cli.demo_rights import become_root
    from gridwire.lab import weak_host as lab_weak_host
    from gridwire.lab.weak_host_card import draw

    if card is not None and not card.parent.is_dir():
        raise Invalid("--card", f"there is no directory {card.parent}", fix="give a path in one that exists")
    become_root("gridwire demo weak-host", tun=False)
    _stop_on_signals()
    with demo_progress.progress() as shown:
        seen = lab_weak_host.run(shown.step)
    if card is not None:
        card.write_text(draw(seen))
        note(f"drawn: {card}")
    if output != "table":
        show(lab_weak_host.document(seen), output, lambda: None)
    else:
        for line in lab_weak_host.lines(seen):
            say(line)
    return DONE if seen.ok else FAILED


def _stop_on_signals() -> None:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does, which takes everything away."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _list(claims: tuple[object, ...]) -> None:
    from gridwire.cli.demo_rights import explanation
    from gridwire.lab import user_namespace
    from gridwire.lab.proofs.proof import Claim

    print_table(
        ("PROOF", "WHAT", "FIGURE", "GOAL"),
        ((one.id, one.title, one.unit, one.goal) for one in claims if isinstance(one, Claim)),
        empty="",
    )
    say(f"\n{explanation(user_namespace.standing())}")
    sys.stdout.flush()
