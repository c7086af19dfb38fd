"""The certificates that gateways show, as their agents told it last."""

from __future__ import annotations

from gridwire.control.access import READ, allow
from gridwire.control.endpoint import GridOf, router
from gridwire.protocol.api import Listing, ShownCertificate

routes = router()


@routes.get("/api/v1/certificates", tags=["certificates"])
@allow(*READ)
def list_certificates(grid: GridOf) -> Listing[ShownCertificate]:
    """Each gateway's authority, and what its nginx shows; the one that ends first comes first."""
    fleet, heard = grid.snapshot().fleet, grid.reports.all()
    found = [
        ShownCertificate(gateway=gateway.name, certificate=certificate)
        for gateway in fleet.gateways()
        if gateway.address in heard
        for certificate in heard[gateway.address].report.certificates
    ]
    return Listing(items=tuple(sorted(found, key=lambda one: (one.certificate.not_after, one.certificate.names))))
