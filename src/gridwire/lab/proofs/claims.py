"""What gridwire promises, each with a proof that could fail. One file per proof; this table is their order."""

from __future__ import annotations

from gridwire.core.errors import Invalid
from gridwire.lab.proofs.control_death import CLAIM as CONTROL_DEATH
from gridwire.lab.proofs.edge_death import CLAIM as EDGE_DEATH
from gridwire.lab.proofs.endpoint_churn import CLAIM as ENDPOINT_CHURN
from gridwire.lab.proofs.join import CLAIM as JOIN
from gridwire.lab.proofs.perimeter import CLAIM as PERIMETER
from gridwire.lab.proofs.proof import Claim
from gridwire.lab.proofs.redeploy import CLAIM as REDEPLOY
from gridwire.lab.proofs.revoke import CLAIM as REVOKE
from gridwire.lab.proofs.route_churn import CLAIM as ROUTE_CHURN
from gridwire.lab.proofs.spread import CLAIM as SPREAD
from gridwire.lab.proofs.start_order import CLAIM as START_ORDER

CLAIMS: tuple[Claim, ...] = (
    JOIN,
    SPREAD,
    EDGE_DEATH,
    ENDPOINT_CHURN,
    ROUTE_CHURN,
    REDEPLOY,
    START_ORDER,
    CONTROL_DEATH,
    PERIMETER,
    REVOKE,
)


def chosen(text: str | None) -> tuple[Claim, ...]:
    """``ID[,ID]`` → claims in the table's order; all for none. Raise Invalid for an id that is in no table."""
    if text is None:
        return CLAIMS
    known = {claim.id: claim for claim in CLAIMS}
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise Invalid("--only", f"there is no proof {', '.join(unknown) or 'named'}", fix=f"take {', '.join(known)}")
    return tuple(claim for claim in CLAIMS if claim.id in wanted)
