"""``gridwire ca``: the grid's own certificate authority, and how a device is told to trust it."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from cyclopts import App, Parameter

from gridwire.cli.outcome import DONE, FAILED
from gridwire.cli.output import Format, Yes, confirmed, note, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.errors import NotFound, Unavailable
from gridwire.core.fleet import Role
from gridwire.core.panel import host_of

app = App(name="ca", help="The grid's own certificate authority.")

_DEBIAN = Path("/usr/local/share/ca-certificates/gridwire.crt")
_ELSEWHERE = (
    ("macOS", "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ca.pem"),
    ("Windows", "certutil -addstore -f Root ca.pem   (as administrator)"),
    ("iOS", "open ca.pem, install the profile, then Settings, General, About, Certificate Trust Settings"),
    ("Firefox", "Settings, Privacy & Security, View Certificates, Authorities, Import"),
)


@app.command(name="show")
def show_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """Print the authority's certificate, its fingerprint, and how devices are told to trust it."""
    pem = _authority(settings)
    told = {"pem": pem, "sha256": _fingerprint(pem)}
    show(told, output, lambda: _print(pem))
    return DONE


@app.command
def install(
    *,
    yes: Yes = False,
    file: Annotated[Path, Parameter(help="Where Debian looks for authorities.")] = _DEBIAN,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Have this Debian or Ubuntu trust the grid's authority; asks first."""
    from gridwire.adapters.programs import run

    require_root("change whom this host trusts")
    pem = _authority(settings)
    note(f"SHA-256 {_fingerprint(pem)}")
    if not confirmed(f"Trust it on this host, by {file}?", yes=yes, otherwise="give --yes"):
        note("nothing was changed")
        return FAILED
    if not file.parent.is_dir():
        raise Unavailable(f"{file.parent} is not there", fix="apt install ca-certificates")
    file.write_text(pem, encoding="ascii")
    file.chmod(0o644)
    done = run(["update-ca-certificates"])
    if done.code != 0:
        raise Unavailable(f"update-ca-certificates: {done.said}", fix=f"{file} is in its place; run it by hand")
    show({"file": str(file), "sha256": _fingerprint(pem)}, output, lambda: say(f"trusted: {file}"))
    return DONE


def _authority(settings: str) -> str:
    """From the gateway's own files, else from a gateway over the mesh: the tunnel vouches for it."""
    from gridwire.agent.state_dir import AgentState

    state = AgentState(settings_from(settings).paths.agent_state)
    identity = state.load_identity()
    if identity is None:
        raise NotFound("this host is no node of a grid", fix="open http://GATEWAY:2086/ca.pem on a device of the mesh")
    if identity.role is Role.GATEWAY:
        file = state.path / "ca.pem"
        if not file.is_file():
            raise NotFound("there is no authority yet", fix="the agent makes it; `tls: {mode: off}` keeps it from that")
        return file.read_text(encoding="ascii")
    direct = build_opener(ProxyHandler({}))  # a proxy of the environment is not the tunnel
    for gateway in identity.gateways:
        url = f"http://{host_of(gateway.address)}:{identity.api_port}/ca.pem"
        try:
            with direct.open(url, timeout=10) as answer:
                return str(answer.read(64 * 1024).decode("ascii"))
        except (URLError, OSError, UnicodeDecodeError) as error:
            note(f"{url}: {error}")
    raise Unavailable("no gateway gave its authority", fix="is the tunnel up? see `gridwire doctor`")


def _fingerprint(pem: str) -> str:
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _print(pem: str) -> None:
    say(pem.rstrip("\n"))
    note(f"SHA-256 {_fingerprint(pem)}")
    note("Debian, Ubuntu: sudo gridwire ca install")
    for system, how in _ELSEWHERE:
        note(f"{system}: {how}")
