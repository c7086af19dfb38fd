"""Who may use a route: selectors resolved to nodes, nodes to mesh addresses. Deny by default."""

from __future__ import annotations

from gridwire.core.errors import Invalid
from gridwire.core.fleet import Fleet, Node, NodeState, Policy, Role, Route, Selector, Service
from gridwire.core.tailnet import Member


def selects(selector: Selector, node: Node) -> bool:
    """Whether a selector other than ``policy:`` names the node."""
    if selector.kind == "role":
        return node.role == selector.value
    if selector.of_tailnet:
        return node.tailnet is not None and belongs(selector, node.tailnet)
    if selector.kind == "tag":
        key, _, value = selector.value.partition("=")
        return (key, value) in node.tags
    return selector.kind == "node" and node.name == selector.value


def belongs(selector: Selector, member: Member) -> bool:
    """Whether a selector of a tailnet's user or tag names the member."""
    return selector.value == member.login if selector.kind == "user" else selector.value in member.tags


def resolved(allow: tuple[Selector, ...], policies: tuple[Policy, ...]) -> tuple[Selector, ...]:
    """``policy:`` selectors replaced by what the policies allow, sorted; raise Invalid for an unknown one."""
    if all(selector.kind != "policy" for selector in allow):
        return tuple(sorted(set(allow)))
    known = {str(policy.name): policy for policy in policies}
    plain: set[Selector] = set()
    for selector in allow:
        if selector.kind != "policy":
            plain.add(selector)
        elif selector.value in known:
            plain.update(known[selector.value].allow)
        else:
            raise Invalid("allow", f"there is no policy {selector.value}", fix="`gridwire policy list` names them")
    return tuple(sorted(plain))


def may_use(node: Node, selectors: tuple[Selector, ...]) -> bool:
    """A node that is not active may use nothing; a gateway's own address has no role."""
    if node.state is not NodeState.ACTIVE or node.role is Role.GATEWAY:
        return False
    return any(selects(selector, node) for selector in selectors)


def allowed_nodes(fleet: Fleet, route: Route) -> tuple[Node, ...]:
    selectors = resolved(route.allow, fleet.policies)
    return tuple(node for node in fleet.nodes if may_use(node, selectors))


def endpoints_of(fleet: Fleet, service: Service) -> tuple[Node, ...]:
    """The active edges that a service runs on, sorted as the fleet is."""
    return tuple(node for node in fleet.active(Role.EDGE) if any(selects(selector, node) for selector in service.on))
