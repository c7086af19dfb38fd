"""The tables, as the newest migration leaves them.

Nouns are stored as the JSON of their core dataclass; columns beside it exist only to be indexed or to hold what
a constraint must judge. ``nodes`` and ``keys`` never lose a row: no address and no key is given twice.
Times are microseconds since 1970, UTC: both databases compare integers alike.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),  # epoch revision given_gateways given_nodes
    Column("value", Integer, nullable=False),
)

network = Table(
    "network",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("document", Text, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("address", String(45), primary_key=True),
    Column("name", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", Integer, nullable=False),  # the one that changed the node last
    Column("document", Text, nullable=False),
)
_LIVE = text("state <> 'revoked'")
Index("one_live_node_per_name", nodes.c.name, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)

keys = Table(
    "keys",
    metadata,
    Column("public_key", String(44), primary_key=True),  # live, ephemeral, gateways' and tombstoned ones alike
    Column("address", String(45), ForeignKey("nodes.address"), nullable=False),
    Column("kind", String(16), nullable=False),  # node | ephemeral
)

invitations = Table(
    "invitations",
    metadata,
    Column("ephemeral_key", String(44), ForeignKey("keys.public_key"), primary_key=True),
    Column("address", String(45), ForeignKey("nodes.address"), nullable=False, unique=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("redeemed_at", BigInteger),
    Column("redeemed_key", String(44)),
    Column("redeemed_revision", Integer),
    Column("closed_at", BigInteger),  # no longer part of the fleet
)
Index("open_invitations", invitations.c.expires_at, sqlite_where=text("closed_at IS NULL"))

services = Table(
    "services",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("document", Text, nullable=False),
)

routes = Table(
    "routes",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("host", String(255), nullable=False),  # in full, under the suffix
    Column("path", String(1024), nullable=False),  # without a slash at its end
    Column("document", Text, nullable=False),
)
Index("one_route_per_host_and_path", routes.c.host, routes.c.path, unique=True)

policies = Table(
    "policies",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("document", Text, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    Column("address", String(45), ForeignKey("nodes.address"), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

revisions = Table(
    "revisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("author", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed", Text, nullable=False),  # JSON list of sentences
    Column("fleet", LargeBinary, nullable=False),  # zlib of the whole fleet's JSON
)

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)

# Of persons. A secret that has to be compared is stored as a hash, one that has to be used (a TOTP secret) sealed.
operators = Table(
    "operators",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("may", String(16), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("logged_in_at", BigInteger),
    Column("password", String(255)),  # argon2's own form, with its parameters
    Column("link_sha256", String(64)),
    Column("link_expires_at", BigInteger),
    Column("totp_sealed", LargeBinary),
    Column("totp_confirmed_at", BigInteger),
    Column("totp_step", BigInteger),  # of the last code that was taken: none is taken twice
    Column("handle", String(64), nullable=False),  # by which authenticators know the operator; random
)

sessions = Table(
    "sessions",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("operator", String(63), ForeignKey("operators.name"), nullable=False),
    Column("node", String(63), nullable=False),
    Column("address", String(45), nullable=False),
    Column("shown", String(16), nullable=False),  # password | code | passkey | link
    Column("began_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
)
Index("sessions_of_operator", sessions.c.operator)

tokens = Table(
    "tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("operator", String(63), ForeignKey("operators.name"), nullable=False),
    Column("label", String(48), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
Index("one_token_per_label", tokens.c.operator, tokens.c.label, unique=True)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("operator", String(63), ForeignKey("operators.name"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("operator", String(63), ForeignKey("operators.name"), nullable=False),
    Column("credential", String(1400), nullable=False, unique=True),  # base64url of at most 1,023 bytes
    Column("label", String(48), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signatures", BigInteger, nullable=False),  # as its authenticator counts them
    Column("made_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
Index("passkeys_of_operator", passkeys.c.operator)

login_failures = Table(
    "login_failures",
    metadata,
    Column("name", String(64), primary_key=True),  # SHA-256 of what was given as name; empty: whatever name
    Column("address", String(45), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Of being told. Where to is sealed as a whole: URLs of webhooks and topics are secrets too.
alerts = Table(
    "alerts",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("document", Text, nullable=False),
)

destinations = Table(
    "destinations",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("document", Text, nullable=False),  # what is shown of it
    Column("sealed", LargeBinary, nullable=False),
    Column("tried_at", BigInteger),
    Column("ok", Boolean),
    Column("outcome", Text),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("destination", String(63), ForeignKey("destinations.name"), primary_key=True),
    Column("document", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
)
Index("outbox_by_time", outbox.c.due_at)

windows = Table(
    "windows",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("document", Text, nullable=False),
    Column("author", String(128), nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)
