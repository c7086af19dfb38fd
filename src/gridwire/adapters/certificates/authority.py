"""The grid's own certificate authority, and the leaves that it signs. Bytes in and out; files are in files.py.

The authority may sign for names under the grid's suffix and addresses of its mesh alone (name constraints, RFC 5280
§4.2.1.10), so that a device which trusts it trusts it for nothing else.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gridwire.core.addressing import Prefix
from gridwire.core.certificates import AUTHORITY_LIFE, LEAF_LIFE, Certificate, Source
from gridwire.core.errors import Invalid
from gridwire.core.names import HostName

_EARLIER = timedelta(minutes=5)  # clocks differ


@dataclass(frozen=True, slots=True)
class Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_authority(suffix: HostName, prefixes: tuple[Prefix, ...], now: datetime) -> tuple[bytes, bytes]:
    """A new one: its certificate and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # With its number, so that one made anew is another authority to whoever holds leaves of both.
    name = _name(f"gridwire {suffix} {serial:040x}"[:60])
    permitted = [x509.DNSName(str(suffix)), *(x509.IPAddress(prefix) for prefix in prefixes)]
    certificate = (
        _builder(name, name, key, serial, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private_pem(key)


def read_authority(certificate: bytes, key: bytes) -> Authority:
    """Raise Invalid where they are not an authority and its key."""
    try:
        cert = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError):
        raise Invalid("ca", "it does not hold a certificate and a key", fix="move it away: another is made") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != cert.public_key():
        raise Invalid("ca", "the key is not the certificate's", fix="move both away: another authority is made")
    return Authority(cert, private)


def issue_leaf(authority: Authority, names: tuple[str, ...], now: datetime) -> bytes:
    """Key and chain for ``names``, PEM: what a web server reads. The chain is the leaf: clients hold the authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = authority.certificate
    certificate = (
        _builder(_name(names[0][:64]), signer.subject, key, x509.random_serial_number(), now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def described(certificate: x509.Certificate, source: Source) -> Certificate:
    """What is told of it; an authority's names are those that it may sign for."""
    names: tuple[str, ...] = ()
    authority = False
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            found = (*value.get_values_for_type(x509.DNSName), *value.get_values_for_type(x509.IPAddress))
            names = tuple(map(str, found))
        elif isinstance(value, x509.NameConstraints):
            names = tuple(str(name.value) for name in value.permitted_subtrees or ())
        elif isinstance(value, x509.BasicConstraints):
            authority = value.ca
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=names,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        source=source,
        authority=authority,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, serial: int, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
