"""Passkeys (WebAuthn Level 3), by the library: what a browser is asked, and whether its answer is true.

User verification is required, so a passkey is two factors by itself: a device, and a finger or PIN.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

Credential = Mapping[str, Any]  # as PublicKeyCredential.toJSON() gives it


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whose passkeys they are: the panel's host, and the one origin that may ask for them."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    credential: str
    public_key: bytes
    signatures: int


def creation(site: Site, *, name: str, handle: str, challenge: bytes, known: Sequence[str]) -> dict[str, Any]:
    """Options of ``navigator.credentials.create``, as JSON. ``known``: credentials that need not be made again."""
    options = generate_registration_options(
        rp_id=site.host,
        rp_name="gridwire",
        user_name=name,
        user_id=handle.encode(),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known],
    )
    found: dict[str, Any] = json.loads(options_to_json(options))
    return found


def request(site: Site, *, challenge: bytes) -> dict[str, Any]:
    """Options of ``navigator.credentials.get``, as JSON; the browser offers whatever it has for this host."""
    options = generate_authentication_options(
        rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    found: dict[str, Any] = json.loads(options_to_json(options))
    return found


def challenge_of(credential: Credential) -> bytes | None:
    """Which challenge the answer is to, as the browser says; none where it says nothing that can be read."""
    try:
        told = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(told["challenge"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def registered(site: Site, credential: Credential, challenge: bytes) -> Registered | None:
    """None where the answer is not true."""
    try:
        verified = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError):
        return None
    return Registered(
        credential=bytes_to_base64url(verified.credential_id),
        public_key=verified.credential_public_key,
        signatures=verified.sign_count,
    )


def signed(site: Site, credential: Credential, challenge: bytes, *, public_key: bytes, signatures: int) -> int | None:
    """How many signatures the authenticator has made, where this one is true and no copy's; else none."""
    try:
        verified = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=signatures,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError):
        return None
    return verified.new_sign_count


def name_of(credential: Credential) -> str | None:
    """Which credential it is, in base64url without padding."""
    try:
        return bytes_to_base64url(base64url_to_bytes(credential["rawId"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def handle_of(credential: Credential) -> str | None:
    """Whose it is, as the authenticator says."""
    try:
        return base64url_to_bytes(credential["response"]["userHandle"]).decode()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
