"""X.509: the grid's own authority, its leaves, and the certificate that a user gave."""

from gridwire.adapters.certificates.authority import issue_leaf, make_authority, read_authority
from gridwire.adapters.certificates.files import CertificateFiles, Given

__all__ = ["CertificateFiles", "Given", "issue_leaf", "make_authority", "read_authority"]
