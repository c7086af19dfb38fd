"""``gridwire completion SHELL``."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

app = App(name="completion")


@app.default
def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print a completion script: gridwire completion bash > /usr/share/bash-completion/completions/gridwire

    Parameters
    ----------
    shell
        The shell that the script is for.
    """
    from gridwire.cli.main import application

    print(application().generate_completion(shell=shell))
