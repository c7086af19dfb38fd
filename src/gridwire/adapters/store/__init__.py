"""Control's database: the fleet row by row, immutable revisions, the audit chain. SQLite, or PostgreSQL by URL."""

from gridwire.adapters.store.notices import Parcel
from gridwire.adapters.store.people import OperatorRow, PasskeyRow, SessionRow, TokenRow
from gridwire.adapters.store.reading import Credential, InvitationRow, Like, Reading, Snapshot, Wanted
from gridwire.adapters.store.schema import migrate
from gridwire.adapters.store.store import Store, open_store
from gridwire.adapters.store.writing import Writing

__all__ = [
    "Credential",
    "InvitationRow",
    "Like",
    "OperatorRow",
    "Parcel",
    "PasskeyRow",
    "Reading",
    "SessionRow",
    "Snapshot",
    "Store",
    "TokenRow",
    "Wanted",
    "Writing",
    "migrate",
    "open_store",
]
