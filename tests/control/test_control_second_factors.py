"""Second factors: codes and recovery codes are taken once each, passkeys by the panel's own origin alone."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
import pyotp
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from gridwire.control.logins import Logins

SESSION = "/api/v1/session"
ORIGIN = "https://panel.grid:2443"


def _login(browser: TestClient, world: Any, **more: str) -> Any:
    return browser.post(SESSION, json={"name": "ada", "password": world.password, **more})


@dataclass
class Codes:
    secret: str
    recovery: list[str]
    world: Any

    def now(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).generate_otp(int(self.world.clock.now.timestamp()) // 30 + steps)


def _codes_on(world: Any, browser: TestClient) -> Codes:
    begun = browser.post("/api/v1/totp")
    assert begun.status_code == 201, begun.text
    assert begun.json()["uri"].startswith("otpauth://totp/")
    assert begun.json()["picture"].startswith("data:image/svg+xml")
    codes = Codes(begun.json()["secret"], [], world)
    confirmed = browser.put("/api/v1/totp", json={"code": codes.now()})
    assert confirmed.status_code == 200, confirmed.text
    codes.recovery = confirmed.json()["codes"]
    return codes


def test_a_login_wants_a_code_once_codes_are_on(world: Any) -> None:
    ada = world.logged_in("ada")
    begun = ada.post("/api/v1/totp").json()["secret"]
    assert _login(ada, world).status_code == 200  # begun is not on
    assert ada.put("/api/v1/totp", json={"code": "000000"}).json()["code"] == "wrong-code"
    codes = _codes_on(world, ada)
    assert codes.secret != begun
    assert ada.post("/api/v1/totp").json()["code"] == "codes-on"
    assert _login(ada, world).json()["code"] == "code-wanted"
    assert _login(ada, world, code=codes.now()).json()["code"] == "wrong-login"  # it put the codes on, and is spent
    world.clock.forward(seconds=30)
    answer = _login(ada, world, code=codes.now())
    assert (answer.status_code, answer.json()["by"]) == (200, "code")
    assert world.local.get("/api/v1/operators/ada").json()["codes"]
    assert ada.delete("/api/v1/totp").status_code == 204
    assert _login(ada, world).status_code == 200


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_a_code_is_taken_once_and_none_before_it(world: Any, late: int) -> None:
    ada = world.logged_in("ada")
    codes = _codes_on(world, ada)
    world.clock.forward(seconds=90)
    assert _login(ada, world, code=codes.now(late)).status_code == 200
    for steps in range(-1, late + 1):
        assert _login(ada, world, code=codes.now(steps)).status_code == 401
    world.clock.forward(seconds=1000)
    assert _login(ada, world, code=codes.now(-2)).status_code == 401
    assert _login(ada, world, code=codes.now(2)).status_code == 401


def test_wrong_codes_lock_like_wrong_passwords(world: Any) -> None:
    ada = world.logged_in("ada")
    codes = _codes_on(world, ada)
    answers = []
    for _ in range(6):
        assert _login(ada, world).json()["code"] in ("code-wanted", "locked")  # which is no failure, and forgives none
        answers.append(_login(ada, world, code="000000").status_code)
    assert answers == [401] * 5 + [429]
    assert _login(ada, world, code=codes.now(1)).status_code == 429


def test_each_recovery_code_opens_one_login(world: Any) -> None:
    ada = world.logged_in("ada")
    codes = _codes_on(world, ada)
    assert len(set(codes.recovery)) == 10
    typed = codes.recovery[0].upper().replace("-", " ")
    assert _login(ada, world, code=typed).status_code == 200
    assert _login(ada, world, code=codes.recovery[0]).status_code == 401
    assert _login(ada, world, code=codes.recovery[1]).status_code == 200


def test_a_link_does_not_get_past_the_codes_unless_they_are_forgotten(world: Any) -> None:
    ada = world.logged_in("ada")
    codes = _codes_on(world, ada)

    def claim(forget: bool, **more: str) -> Any:
        made = world.local.post("/api/v1/operators/ada/link", json={"forget": forget}).json()
        link = made["urls"][0].partition("#")[2]
        return ada.post(f"{SESSION}/claim", json={"link": link, "password": "three old wooden ships", **more})

    assert claim(False).json()["code"] == "code-wanted"
    assert claim(False, code="000000").json()["code"] == "wrong-login"
    assert claim(False, code=codes.recovery[2]).status_code == 200
    assert claim(True).status_code == 200
    assert not world.local.get("/api/v1/operators/ada").json()["codes"]


def test_a_link_is_no_place_to_guess_at_codes(world: Any) -> None:
    ada = world.logged_in("ada")
    codes = _codes_on(world, ada)
    link = world.local.post("/api/v1/operators/ada/link", json={}).json()["urls"][0].partition("#")[2]
    claim = {"link": link, "password": "three old wooden ships"}
    answers = []
    for _ in range(6):
        assert ada.post(f"{SESSION}/claim", json=claim).json()["code"] in ("code-wanted", "locked")
        answers.append(ada.post(f"{SESSION}/claim", json=claim | {"code": "000000"}).status_code)
    assert answers == [401] * 5 + [429]
    assert ada.post(f"{SESSION}/claim", json=claim | {"code": codes.recovery[0]}).status_code == 429
    world.clock.forward(seconds=2)
    assert ada.post(f"{SESSION}/claim", json=claim | {"code": codes.recovery[0]}).status_code == 200
    world.clock.forward(seconds=30)
    answer = ada.post(SESSION, json={"name": "ada", "password": "three old wooden ships", "code": codes.now()})
    assert answer.status_code == 200


def test_the_secret_is_sealed_for_its_owner_by_a_key_that_is_not_in_the_database(world: Any) -> None:
    ada = world.logged_in("ada")
    codes = _codes_on(world, ada)
    with world.store.reading() as reading:
        dumped = "\n".join(reading._connection.connection.driver_connection.iterdump())
        sealed = reading.people.known("ada").totp
    for secret in (codes.secret, *codes.recovery, *(code.replace("-", "") for code in codes.recovery)):
        assert secret not in dumped
        assert secret.encode().hex().upper() not in dumped
    assert codes.secret.encode() not in sealed
    world.grid.logins = Logins(passwords=world.grid.logins.passwords)  # a restore elsewhere: another key
    world.clock.forward(seconds=30)
    away = _login(ada, world, code=codes.now())
    assert (away.status_code, away.json()["code"]) == (503, "sealed")
    assert "gridwire operator passwd ada --forget" in away.json()["fix"]
    assert _login(ada, world, code=codes.recovery[0]).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/totp"), ("DELETE", "/api/v1/totp")])
def test_a_found_session_cannot_change_them(world: Any, method: str, path: str) -> None:
    ada = world.logged_in("ada")
    world.clock.forward(minutes=15)
    assert ada.request(method, path).json()["code"] == "login-again"


@dataclass
class Key:
    """An authenticator: one credential, as a browser on a page of ``origin`` uses it."""

    origin: str = ORIGIN
    rp_id: str = "panel.grid"
    verified: bool = True
    count: int = 0
    counting: bool = True  # authenticators that share their keys over devices do not
    handle: str = ""
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        self.handle = options["user"]["id"]
        numbers = self.private.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        attested = self._data(0x40) + bytes(16) + len(self.id).to_bytes(2) + self.id + cose
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": attested})
        return self._credential(
            clientDataJSON=self._client("webauthn.create", options["challenge"]), attestationObject=attestation
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        self.count += self.counting
        data, client = self._data(), self._client("webauthn.get", options["challenge"])
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        handle = base64url_to_bytes(self.handle)
        return self._credential(clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=handle)

    def _data(self, flags: int = 0) -> bytes:
        flags |= 0x05 if self.verified else 0x01
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, **response: bytes) -> dict[str, Any]:
        name = bytes_to_base64url(self.id)
        encoded = {member: bytes_to_base64url(value) for member, value in response.items()}
        return {"id": name, "rawId": name, "type": "public-key", "response": encoded, "clientExtensionResults": {}}


def _over_tls(world: Any, address: str) -> TestClient:
    headers = {"X-Gridwire-Scheme": "https", "Origin": ORIGIN}
    return TestClient(world.through("/run/test/control.sock"), base_url=ORIGIN, headers=world.page(address) | headers)


def _registered(world: Any, browser: TestClient, key: Key) -> Any:
    options = browser.post("/api/v1/passkeys/options")
    assert options.status_code == 200, options.text
    return browser.post("/api/v1/passkeys", json={"label": "yubikey", "credential": key.create(options.json())})


def _by_passkey(browser: TestClient, key: Key) -> Any:
    options = browser.post(f"{SESSION}/passkey/options")
    assert options.status_code == 200, options.text
    return browser.post(f"{SESSION}/passkey", json={"credential": key.get(options.json())})


@pytest.fixture
def ada(world: Any) -> TestClient:
    browser = _over_tls(world, world.operator("ada"))
    assert _login(browser, world).status_code == 200
    return browser


def test_a_passkey_opens_a_login_without_password_or_code(world: Any, ada: TestClient) -> None:
    key = Key()
    assert _registered(world, ada, key).status_code == 201
    _codes_on(world, ada)
    other = _over_tls(world, ada.headers["x-gridwire-peer"])
    answer = _by_passkey(other, key)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["operator"], answer.json()["by"]) == ("ada", "passkey")
    assert other.get("/api/v1/nodes").status_code == 200
    listed = ada.get("/api/v1/passkeys").json()["items"]
    assert [one["label"] for one in listed] == ["yubikey"]
    assert ada.delete(f"/api/v1/passkeys/{listed[0]['id']}").status_code == 204
    assert _by_passkey(other, key).status_code == 401


def test_a_passkey_is_the_way_in_for_who_is_kept_waiting(world: Any, ada: TestClient) -> None:
    key = Key()
    assert _registered(world, ada, key).status_code == 201
    for _ in range(6):
        ada.post(SESSION, json={"name": "ada", "password": "not the password"})
    assert _login(ada, world).status_code == 429
    assert _by_passkey(ada, key).status_code == 200


@pytest.mark.parametrize("counting", [True, False])
def test_an_answer_counts_once(world: Any, ada: TestClient, counting: bool) -> None:
    key = Key(counting=counting)
    assert _registered(world, ada, key).status_code == 201
    answer = {"credential": key.get(ada.post(f"{SESSION}/passkey/options").json())}
    assert ada.post(f"{SESSION}/passkey", json=answer).status_code == 200
    assert ada.post(f"{SESSION}/passkey", json=answer).status_code == 401
    late = {"credential": key.get(ada.post(f"{SESSION}/passkey/options").json())}
    world.clock.forward(minutes=5)
    assert ada.post(f"{SESSION}/passkey", json=late).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://panel.grid:2086"},
        {"origin": "https://panel.grid:2086"},
        {"rp_id": "grid"},
        {"verified": False},
        {"private": ec.generate_private_key(ec.SECP256R1())},
        {"id": b"another"},
        {"handle": bytes_to_base64url(b"another")},
        {"count": -1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_answer_that_is_not_true_opens_nothing(world: Any, ada: TestClient, wrong: dict[str, Any]) -> None:
    key = Key(count=5)
    assert _registered(world, ada, key).status_code == 201
    for name, value in wrong.items():
        setattr(key, name, value)
    other = _over_tls(world, ada.headers["x-gridwire-peer"])
    assert _by_passkey(other, key).status_code == 401
    assert other.get("/api/v1/nodes").status_code == 401


def test_refused_passkeys_are_in_the_audit_chain_once_a_minute(world: Any, ada: TestClient) -> None:
    def told() -> list[tuple[str, str]]:
        items = world.local.get("/api/v1/events?limit=1000").json()["items"]
        return [(event["subject"], event["detail"]) for event in items if event["kind"] == "session.refused"]

    key, device = Key(), ada.headers["x-gridwire-peer"]
    assert _registered(world, ada, key).status_code == 201
    key.private = ec.generate_private_key(ec.SECP256R1())
    for _ in range(5):
        assert _by_passkey(ada, key).status_code == 401
    assert [subject for subject, _ in told()] == ["ada"]
    assert "the passkey, on " in told()[0][1]
    assert device in told()[0][1]
    assert ada.post(f"{SESSION}/passkey", json={"credential": {}}).status_code == 401
    assert [subject for subject, _ in told()] == ["ada", "nobody"]
    world.clock.forward(seconds=60)
    assert _by_passkey(ada, key).status_code == 401
    assert [subject for subject, _ in told()] == ["ada", "nobody", "ada"]


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verified": False}])
def test_nor_is_it_added(world: Any, ada: TestClient, wrong: dict[str, Any]) -> None:
    assert _registered(world, ada, Key(**wrong)).status_code == 422


@pytest.mark.parametrize("credential", [{}, {"response": 1}, {"response": {"clientDataJSON": "e30"}}, {"rawId": []}])
def test_nor_is_what_is_no_answer_at_all(world: Any, ada: TestClient, credential: dict[str, Any]) -> None:
    assert ada.post(f"{SESSION}/passkey", json={"credential": credential}).status_code == 401
    assert ada.post("/api/v1/passkeys", json={"label": "x", "credential": credential}).status_code == 422


def test_passkeys_are_offered_in_a_secure_context_alone(world: Any) -> None:
    ada = world.logged_in("ada")
    for path in ("/api/v1/passkeys/options", f"{SESSION}/passkey/options"):
        answer = ada.post(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "no-secure-context")
        assert "https://panel.grid:2443" in answer.json()["fix"]


def test_questions_of_one_device_push_out_nobody_elses(world: Any, ada: TestClient) -> None:
    """Who sits at an operator's device without a login may ask for as many as it likes."""
    key = Key()
    assert _registered(world, ada, key).status_code == 201
    options = ada.post(f"{SESSION}/passkey/options").json()
    other = _over_tls(world, world.join("tablet", role="operator").address)
    for _ in range(1001):
        world.grid.logins.challenges.give("login", world.clock(), "tablet")
    assert other.post(f"{SESSION}/passkey/options").status_code == 200
    assert ada.post(f"{SESSION}/passkey", json={"credential": key.get(options)}).status_code == 200
    many = [world.grid.logins.challenges.give("login", world.clock(), "phone") for _ in range(21)]
    taken = [world.grid.logins.challenges.take(one, "login", world.clock()) for one in many]
    assert taken == [False] + [True] * 20
