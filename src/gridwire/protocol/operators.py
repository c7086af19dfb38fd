"""Between persons and control: logging in, operators, API tokens.

    GET    /api/v1/session                                  Session
    POST   /api/v1/session                 Login            Session + cookie | 401 wrong-login, code-wanted | 429 locked
    DELETE /api/v1/session                                  204
    POST   /api/v1/session/claim           Claim            Session + cookie | 401 code-wanted
    POST   /api/v1/session/password        PasswordChange   Session + cookie, the other sessions end
    GET    /api/v1/sessions                                 Session
    DELETE /api/v1/sessions/ID                              204
    GET    /api/v1/operators[/NAME]                         Operator
    POST   /api/v1/operators               NewOperator      OperatorLink     | 409 no-device
    PATCH  /api/v1/operators/NAME          OperatorChange   Operator
    DELETE /api/v1/operators/NAME                           204
    POST   /api/v1/operators/NAME/link     LinkAsk          OperatorLink     | 409 no-device
    POST   /api/v1/totp                                     CodesBegun       | 409 codes-on
    PUT    /api/v1/totp                    FirstCode        RecoveryCodes, this once
    DELETE /api/v1/totp                                     204
    GET    /api/v1/passkeys                                 Passkey
    POST   /api/v1/passkeys/options                         creation options | 409 no-secure-context
    POST   /api/v1/passkeys                NewPasskey       Passkey
    DELETE /api/v1/passkeys/ID                              204
    POST   /api/v1/session/passkey/options                  request options  | 409 no-secure-context
    POST   /api/v1/session/passkey         PasskeyLogin     Session + cookie | 401 wrong-login
    GET    /api/v1/tokens                                   Token
    POST   /api/v1/tokens                  NewToken         MadeToken, with the secret, this once
    DELETE /api/v1/tokens/ID                                204

Requests by cookie that change something need Origin and a JSON body's Content-Type. A dead session is answered 401
with the code ``login-wanted``; what wants a fresh login, 403 ``login-again``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from gridwire.core.addressing import Address
from gridwire.core.names import NodeName
from gridwire.core.operators import May, OperatorName, operator_name
from gridwire.core.sessions import TOKEN_DAYS, token_label, token_lifetime

SESSION_PATH = "/api/v1/session"
Method = Literal["password", "code", "passkey", "link"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """``code``: six digits of the authenticator, or a recovery code; where it is wanted and missing the answer says
    ``code-wanted``."""

    name: str
    password: str
    code: str | None = None

    def __repr__(self) -> str:
        return "Login()"  # a name may be a password that was typed in the wrong place


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """``link``: what stands after the # of a one-time link. The password is the operator's from then on."""

    link: str
    password: str
    code: str | None = None

    def __repr__(self) -> str:
        return "Claim()"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    old: str
    new: str

    def __repr__(self) -> str:
        return "PasswordChange()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person who is logged in, on one device. ``by``: what was shown at login; ``current``: it is the asker's.

    ``id`` names it and opens nothing. ``fresh_until``: until then it may do what wants a fresh login.
    """

    id: str
    operator: OperatorName
    may: May
    node: NodeName
    address: Address
    by: Method
    began: datetime
    used: datetime
    ends: datetime
    fresh_until: datetime
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """``claimed``: it has set a password. ``codes``, ``passkeys``: its second factors. ``locked_until``: where a login
    has failed too often, the longest wait of any device."""

    name: OperatorName
    may: May
    disabled: bool = False
    claimed: bool = False
    codes: bool = False
    passkeys: int = 0
    sessions: int = 0
    tokens: int = 0
    added: datetime
    logged_in: datetime | None = None
    locked_until: datetime | None = None
    link_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperator:
    name: OperatorName
    may: May = May.CHANGE

    def __post_init__(self) -> None:
        operator_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorChange:
    """None leaves it as it is. ``unlock``: failed logins are forgotten."""

    may: May | None = None
    disabled: bool | None = None
    unlock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAsk:
    """``forget``: codes and passkeys too, for who has lost them."""

    forget: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLink:
    """A one-time link by which an operator sets a password. ``urls``: by the panel's name, and by each gateway's
    address for a device that cannot resolve the name."""

    operator: OperatorName
    urls: tuple[str, ...]
    expires: datetime

    def __repr__(self) -> str:
        return f"OperatorLink(operator={self.operator!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesBegun:
    """``uri``: ``otpauth://…``, as apps read it; ``picture``: the same as QR code, a ``data:`` URI of SVG."""

    secret: str
    uri: str
    picture: str

    def __repr__(self) -> str:
        return "CodesBegun()"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCode:
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodes:
    """Each opens one login in place of the authenticator."""

    codes: tuple[str, ...]

    def __repr__(self) -> str:
        return "RecoveryCodes()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    id: str
    label: str
    made: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasskey:
    """``credential``: what ``PublicKeyCredential.toJSON()`` gives."""

    label: str
    credential: dict[str, Any]

    def __post_init__(self) -> None:
        token_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyLogin:
    credential: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token as it may be shown: ``id`` names it and opens nothing."""

    id: str
    operator: OperatorName
    label: str
    scope: May
    made: datetime
    expires: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """``operator``: whose; none: the asker's own."""

    label: str
    scope: May = May.READ
    days: int = TOKEN_DAYS
    operator: OperatorName | None = None

    def __post_init__(self) -> None:
        token_label(self.label)
        token_lifetime(self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeToken:
    """``secret``: ``gwt_…``; it is stored as a hash, and shown this once."""

    token: Token
    secret: str

    def __repr__(self) -> str:
        return f"MadeToken(token={self.token!r})"
