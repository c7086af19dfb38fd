"""``gridwire prerequisites``: the distribution's packages, under a policy that starts none of them."""

from __future__ import annotations

import os
from pathlib import Path

from cyclopts import App

from gridwire.cli.root import require_root
from gridwire.core.errors import Unavailable

app = App(name="prerequisites")
_SCRIPT = "packaging/prerequisites.sh"


@app.default
def prerequisites() -> None:
    """Install what is missing with apt. An nginx that it brings is masked; one that was there is left as it is."""
    import gridwire

    require_root("install packages")
    package = Path(gridwire.__file__).resolve().parent
    # In a wheel beside the modules; in a clone where it belongs.
    for folder in (package, package.parents[1]):
        if (folder / _SCRIPT).is_file():
            os.execv("/bin/sh", ["sh", str(folder / _SCRIPT)])  # noqa: S606  # argv, no shell string of ours
    raise Unavailable(f"{_SCRIPT} is not part of this installation", fix="install gridwire's wheel anew")
