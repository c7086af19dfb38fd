"""gridwire.yaml as a tree of plain values: what it means, and what is refused, with its dotted path."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.fleet import parse_selector
from gridwire.core.settings import Settings, endpoint_host, parse_domain, parse_endpoint, parse_settings
from gridwire.core.settings_tree import UNKNOWN_KEY
from gridwire.core.tailnet import Provider
from gridwire.core.targets import parse_reach


def test_the_name_alone_is_enough() -> None:
    settings = parse_settings({"node": {"name": "gw"}})
    assert settings.node.name == "gw"
    assert settings.network.prefix == ip_network("10.85.0.0/16")
    assert settings.database == "sqlite:////var/lib/gridwire/control/gridwire.db"
    assert settings.suffix == "grid"


def test_every_key_is_read() -> None:
    settings = parse_settings(
        {
            "node": {"name": "gw"},
            "network": {
                "prefix": "100.80.0.0/16",
                "interface": "mesh0",
                "shared_address_space": True,
                "ports": {"routes": 8080, "api": 2186, "enrol": 2187, "edge": 2185},
            },
            "endpoint": "GW.example.com",
            "domain": "*.home.example.com",
            "reach": ["127.0.0.1:9000", "unix:/run/app.sock"],
            "hosts": False,
            "paths": {"state": "/srv/gridwire", "run": "/run/gw", "logs": "/srv/log"},
            "database": {"url": "postgresql+psycopg://gridwire@/gridwire"},
            "mesh": {"provider": "wireguard", "wireguard_go": "/opt/wireguard-go"},
        }
    )
    assert settings.endpoint == "gw.example.com:51820"
    assert settings.reach == (parse_reach("127.0.0.1:9000"), parse_reach("unix:/run/app.sock"))
    assert settings.paths.local_socket == "/run/gw/local.sock"
    assert settings.database == "postgresql+psycopg://gridwire@/gridwire"
    network = settings.fleet_network()
    assert (network.suffix, network.routes_port, network.interface) == ("home.example.com", 8080, "mesh0")


def approving(whom: object) -> dict[str, object]:
    return {"node": {"name": "gw"}, "mesh": {"provider": "tailscale", "approve": whom}}


TAILNET = approving([])


def test_a_tailnet_gives_prefix_and_interface_itself() -> None:
    found = parse_settings(approving("tag:edge"))
    assert (str(found.network.prefix), found.network.interface) == ("100.64.0.0/10", "tailscale0")
    network = found.fleet_network()
    assert network.provider is Provider.TAILSCALE
    assert network.approve == (parse_selector("tag:edge"),)
    assert [str(prefix) for prefix in network.prefixes] == ["100.64.0.0/10", "fd7a:115c:a1e0::/48"]
    both = parse_settings(approving(["tag:edge", "user:alice@example.com", "tag:edge"]))
    assert [str(selector) for selector in both.mesh.approve] == ["tag:edge", "user:alice@example.com"]


@pytest.mark.parametrize(
    ("tree", "field", "said"),
    [
        (None, "node", "missing"),
        ([], "", "a list"),
        ({"node": "gw"}, "node", "text stands where keys"),
        ({"node": {"name": "Not A Name"}}, "node.name", "not a name"),
        ({"node": {"name": 12}}, "node.name", "a number"),
        ({"node": {"name": True}}, "node.name", "true or false"),
        ({"node": {"name": "gw"}, "network": {"prefix": "8.8.8.0/24"}}, "network.prefix", "not private"),
        ({"node": {"name": "gw"}, "network": {"prefix": "10.85.0.1/16"}}, "network.prefix", "not a prefix"),
        ({"node": {"name": "gw"}, "network": {"prefix": "100.80.0.0/16"}}, "network.prefix", "Tailscale"),
        ({"node": {"name": "gw"}, "network": {"prefix": "10.0.0.0/30"}}, "network.prefix", "wrong number"),
        ({"node": {"name": "gw"}, "network": {"interface": "a" * 16}}, "network.interface", "interface"),
        ({"node": {"name": "gw"}, "network": {"mtu": 1279}}, "network.mtu", "1279 is not an MTU"),
        ({"node": {"name": "gw"}, "network": {"mtu": "1380"}}, "network.mtu", "text stands where an MTU"),
        ({"node": {"name": "gw"}, "network": {"shared_address_space": "yes"}}, "network.shared_address_space", "text"),
        ({"node": {"name": "gw"}, "network": {"ports": {"api": 0}}}, "network.ports.api", "not a port"),
        ({"node": {"name": "gw"}, "network": {"ports": {"api": 70000}}}, "network.ports.api", "not a port"),
        ({"node": {"name": "gw"}, "network": {"ports": {"api": "80"}}}, "network.ports.api", "text"),
        ({"node": {"name": "gw"}, "network": {"ports": {"api": True}}}, "network.ports.api", "true or false"),
        ({"node": {"name": "gw"}, "network": {"ports": {"api": 80}}}, "network.ports", "are one"),
        ({"node": {"name": "gw"}, "endpoint": "gw.example.com:99999"}, "endpoint", "not a port"),
        ({"node": {"name": "gw"}, "endpoint": "127.0.0.1"}, "endpoint", "cannot be called"),
        ({"node": {"name": "gw"}, "endpoint": "0.0.0.0:51820"}, "endpoint", "cannot be called"),
        ({"node": {"name": "gw"}, "domain": "home"}, "domain", "one label"),
        ({"node": {"name": "gw"}, "reach": "127.0.0.1:80"}, "reach", "text stands where a list"),
        ({"node": {"name": "gw"}, "reach": ["127.0.0.1:80", "nonsense"]}, "reach[1]", "address:port"),
        ({"node": {"name": "gw"}, "reach": ["127.0.0.1:80", "127.0.0.1:80"]}, "reach[1]", "twice"),
        ({"node": {"name": "gw"}, "reach": ["169.254.169.254:80"]}, "reach[0]", "metadata"),
        ({"node": {"name": "gw"}, "reach": ["unix:/var/run/docker.sock"]}, "reach[0]", "root"),
        ({"node": {"name": "gw"}, "hosts": "no"}, "hosts", "text"),
        ({"node": {"name": "gw"}, "paths": {"state": "var/lib"}}, "paths.state", "absolute"),
        ({"node": {"name": "gw"}, "paths": {"state": "/var/../etc"}}, "paths.state", "absolute"),
        ({"node": {"name": "gw"}, "database": {"url": "mysql://x"}}, "database.url", "database"),
        ({"node": {"name": "gw"}, "mesh": {"provider": "nebula"}}, "mesh.provider", "provider"),
        ({"node": {"name": "gw"}, "mesh": {"approve": "tag:edge"}}, "mesh.approve", "tailnet"),
        ({**TAILNET, "endpoint": "gw.example.com"}, "endpoint", "by Tailscale"),
        ({**TAILNET, "network": {"prefix": "10.85.0.0/16"}}, "network.prefix", "not a tailnet's"),
        ({"node": {"name": "gw"}, "mesh": {"provider": "tailscale", "socket": "x"}}, "mesh.socket", "absolute"),
        ({**approving("role:edge")}, "mesh.approve", "no user or tag"),
        ({**approving(["tag:edge", "tag:a=b"])}, "mesh.approve[1]", "no user or tag"),
        ({**approving(["tag:edge", 3])}, "mesh.approve[1]", "no user or tag"),
        ({"node": {"name": "gw"}, "mesh": {"wireguard_go": "wireguard-go"}}, "mesh.wireguard_go", "absolute"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(tree: object, field: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        parse_settings(tree)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("tree", "field", "near"),
    [
        ({"node": {"nmae": "gw"}}, "node.nmae", "did you mean name?"),
        ({"node": {"name": "gw"}, "domian": "x.y"}, "domian", "did you mean domain?"),
        ({"node": {"name": "gw"}, "network": {"port": {}}}, "network.port", "did you mean ports?"),
        ({"node": {"name": "gw"}, "zzz": 1}, "zzz", "the keys are node, network"),
    ],
)
def test_an_unknown_key_names_the_nearest_right_one(tree: object, field: str, near: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_settings(tree)
    assert (caught.value.field, caught.value.code) == (field, UNKNOWN_KEY)
    assert near in caught.value.fix


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("gw.example.com", "gw.example.com:51820"),
        ("gw.example.com:51900", "gw.example.com:51900"),
        ("203.0.113.7", "203.0.113.7:51820"),
        ("2001:db8::7", "[2001:db8::7]:51820"),
        ("[2001:db8::7]", "[2001:db8::7]:51820"),
        ("[2001:DB8::7]:9", "[2001:db8::7]:9"),
    ],
)
def test_an_endpoint_may_leave_its_port_out(text: str, endpoint: str) -> None:
    assert parse_endpoint(text) == endpoint
    assert parse_endpoint(endpoint) == endpoint
    assert endpoint_host(endpoint) in text.lower()


@pytest.mark.parametrize(
    "text", ["", ":", ":51820", "gw:", "gw:x", "gw:0", "a b", "[::1", "gw.example.com:1:2", "fe80::1"]
)
def test_what_is_not_an_endpoint_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_endpoint(text)


def test_a_domain_may_be_written_as_its_record() -> None:
    assert parse_domain("*.Home.example.com") == "home.example.com"


_KEYS = ("node", "name", "network", "prefix", "ports", "api", "endpoint", "reach", "hosts", "paths", "mesh", "junk")
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


def outcome(tree: object) -> Settings | Invalid:
    try:
        return parse_settings(tree)
    except Invalid as error:
        return error


@settings(deadline=None)
@given(_VALUES)
def test_any_tree_gives_settings_or_a_reason(tree: object) -> None:
    found = outcome(tree)
    assert isinstance(found, Settings) or found.what
