"""Which spec the node follows: the newest that was taken, unless it was rolled back and is held for a while."""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.agent.state_dir import AgentState, Version
from gridwire.core.admission import check_spec
from gridwire.core.errors import GridwireError, Invalid
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs, first_spec
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.spec import NodeSpec

FIRST_HOLD = 5.0
LONGEST_HOLD = 3600.0


@dataclass(slots=True)
class _Hold:
    version: Version
    seconds: float
    until: float


class Desired:
    """``spec``: what to make the host. ``live``: it came from control and is not committed yet.

    Its times are monotonic seconds. Not for two threads at once.
    """

    def __init__(self, identity: JoinedAs, state: AgentState, renewed: JoinedAs | None = None) -> None:
        """``renewed``: what a gateway becomes where control's spec says so too."""
        self._identity = identity
        self._renewed = renewed
        self._state = state
        self._newest: Version | None = None
        self._etag: str | None = None
        self._hold: _Hold | None = None
        self.spec: NodeSpec | None = None
        self.live = False
        self.findings: tuple[Finding, ...] = ()

    @property
    def expecting(self) -> bool:
        """Whether somebody who was invited may be on the way: an invitation's key has its address until then."""
        peers = () if self.spec is None else self.spec.mesh.peers
        return any(peer.expires is not None and peer.allowed_ips for peer in peers)

    def boot(self) -> None:
        """From the disk alone, with no word of control's. Never raises for what the files hold."""
        try:
            self._newest = self._state.newest_version()
            saved = self._state.load_spec()
        except GridwireError as error:
            self.findings = (_finding("spec-unreadable", str(error)),)
            self._begin()
            return
        self.findings = saved.findings
        if saved.spec is not None:
            try:
                check_spec(saved.spec, self._identity)
            except Invalid as error:
                self.findings += (_finding("spec-refused", f"the saved spec is not for this node: {error}"),)
            else:
                self.spec = saved.spec
                if not saved.findings and saved.spec.version == self._newest:
                    self._etag = etag_of(saved.spec)
        if self.spec is None:
            self._begin()

    def _begin(self) -> None:
        """A node other than a gateway has its tunnel before it has a spec: how else would it get one."""
        if self._identity.role is Role.GATEWAY or not self._identity.gateways:
            return
        spec = first_spec(self._identity)
        self.spec = spec
        if self._newest is None:
            try:
                self._state.save_spec(spec)
            except GridwireError as error:
                self.findings += (_finding(error.code, str(error)),)

    def etag(self, now: float) -> str | None:
        """What control need not send again; none when a held spec is due for another try."""
        if self._hold is not None and now >= self._hold.until:
            return None
        return self._etag

    def retry_in(self, now: float) -> float | None:
        return None if self._hold is None else max(0.0, self._hold.until - now)

    def admits(self, spec: NodeSpec) -> bool:
        """Whether ``take`` would check it and find nothing wrong."""
        try:
            check_spec(spec, self._identity, self._newest or (0, 0))
        except Invalid:
            return False
        return True

    def take(self, spec: NodeSpec, etag: str | None) -> bool:
        """Check and save what control sent; true where it is to be applied now.

        Raise Invalid for a spec that this node does not take (it is not asked for again), and GridwireError where
        it cannot be saved (it is).
        """
        try:
            check_spec(spec, self._identity, self._newest or (0, 0))
        except Invalid as error:
            if self._renews(spec):
                return False
            self._etag = etag
            self.findings = (_finding("spec-refused", f"control sent a spec that this node refuses: {error}"),)
            raise
        if self.spec is not None and spec == self.spec:
            self._etag = etag
            self.findings = ()
            return False
        self._state.save_spec(spec)
        self.findings = ()
        self._etag = etag
        self._newest = max(spec.version, self._newest or spec.version)
        if self._hold is not None and self._hold.version != spec.version:
            self._hold = None
        elif self._hold is not None:
            self._hold.until = float("inf")  # on trial again; rolled_back says for how long next
        self.spec = spec
        self.live = True
        return True

    def _renews(self, spec: NodeSpec) -> bool:
        """Whether the spec is of what this gateway's settings say: then its identity is that from here on.

        Root wrote those settings, and control agrees. The saved file makes the agent begin anew (agent.run).
        """
        if self._renewed is None:
            return False
        try:
            check_spec(spec, self._renewed, self._newest or (0, 0))
        except Invalid:
            return False
        self._state.save_identity(self._renewed)
        return True

    def kept(self) -> None:
        """The spec on trial is good."""
        self.live = False
        self._hold = None

    def rolled_back(self, now: float, *, first_hold: float = FIRST_HOLD) -> None:
        """The spec on trial is not; go on with the one before, and try again later, ever less often."""
        assert self.spec is not None
        failed = self.spec.version
        seconds = first_hold
        if self._hold is not None and self._hold.version == failed:
            seconds = min(self._hold.seconds * 2, LONGEST_HOLD)
        self._hold = _Hold(failed, seconds, now + seconds)
        self.live = False
        previous = self._state.load_spec().spec
        if previous is not None:
            self.spec = previous


def etag_of(spec: NodeSpec) -> str:
    return f'"{spec.epoch}.{spec.revision}"'


def _finding(code: str, what: str) -> Finding:
    return Finding(id=code, severity=Severity.WARNING, where="agent", what=what)
