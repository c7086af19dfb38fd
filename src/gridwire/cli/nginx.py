"""``gridwire nginx``: the data path's own nginx, beside the distribution's."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.output import note
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, awaited, settings_from
from gridwire.core import paths

app = App(name="nginx", help="Run gridwire's nginx.")


@app.command
def run(*, settings: SettingsFile = DEFAULT) -> None:
    """Become nginx, in the foreground, once the guard stands and the agent has written its configuration."""
    from gridwire.adapters.nginx import Launch, exec_nginx, find_nginx
    from gridwire.agent.guard import guard_stands
    from gridwire.agent.state_dir import AgentState

    require_root("run nginx")
    where = settings_from(awaited(settings)).paths
    state = AgentState(where.agent_state)

    def missing() -> str | None:
        spec = state.load_spec().spec
        if spec is None:
            return "waiting for the first spec (`gridwire init` or `gridwire join`)"
        return None if guard_stands(spec) else "waiting for the guard (`gridwire guard load`, or the agent)"

    exec_nginx(
        Launch(
            binary=find_nginx().binary,
            config=f"{where.nginx_state}/nginx.conf",
            state=where.nginx_state,
            pid_file=where.nginx_pid,
            door_socket=where.door_socket,
            logs=where.logs,
            user=paths.NGINX_USER,
        ),
        missing,
        note,
    )
