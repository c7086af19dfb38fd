"""plan_proxy converges, says why, reloads for listeners only, and touches nothing that it could not see."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.actions import Action
from gridwire.core.observed import Known, Unknown
from gridwire.core.proxy_plan import (
    AwaitNginx,
    Document,
    PlacePanel,
    ProxyObserved,
    ProxyWanted,
    PushDocument,
    ReloadNginx,
    RemoveConfig,
    StopNginx,
    WriteConfig,
    WriteDocument,
    plan_proxy,
    text_digest,
)

TEXTS = ("one", "two", "three")


def document(name: str, text: str) -> Document:
    return Document(name=name, text=text, digest=f"d-{text}", version=(1, 2))


def wanted_of(config: str, routing: str | None, edge: str | None, panel: str | None = None) -> ProxyWanted:
    texts = (("routing", routing), ("edge", edge))
    return ProxyWanted(
        config=config,
        running=f"r-{config}",
        documents=tuple(document(name, text) for name, text in texts if text is not None),
        panel=panel,
    )


class Host:
    """nginx and its files, in memory. A (re)start loads what is on disk, as the real one does."""

    def __init__(self, observed: ProxyObserved, *, comes_up: str) -> None:
        self.seen = observed
        self.comes_up = comes_up
        self.reloads = 0

    def _set(self, pairs: tuple[tuple[str, str], ...], name: str, digest: str) -> tuple[tuple[str, str], ...]:
        return tuple(sorted({**dict(pairs), name: digest}.items()))

    def apply(self, action: Action) -> None:
        match action:
            case WriteDocument(name=name, text=text):
                self.seen = replace(self.seen, files=self._set(self.seen.files, name, f"d-{text}"))
            case WriteConfig(text=text):
                self.seen = replace(self.seen, config=text_digest(text))
            case PlacePanel(digest=digest):
                self.seen = replace(self.seen, panel=digest)
            case ReloadNginx() | AwaitNginx():
                self.reloads += isinstance(action, ReloadNginx)
                self.seen = replace(self.seen, running=self.comes_up, served=self.seen.files)
            case PushDocument(name=name, digest=digest):
                assert dict(self.seen.files)[name] == digest, "pushed before it was on disk"
                self.seen = replace(self.seen, served=self._set(self.seen.served, name, digest))
            case RemoveConfig():
                self.seen = replace(self.seen, config=None)
            case StopNginx():
                self.seen = replace(self.seen, running=None)


digests = st.lists(
    st.tuples(st.sampled_from(["routing", "edge"]), st.sampled_from([f"d-{t}" for t in TEXTS])), max_size=2
).map(lambda pairs: tuple(sorted(dict(pairs).items())))
observations = st.builds(
    ProxyObserved,
    config=st.none() | st.sampled_from([text_digest(t) for t in TEXTS]),
    running=st.none() | st.sampled_from([f"r-{t}" for t in TEXTS]),
    files=digests,
    served=digests,
    panel=st.none() | st.sampled_from(TEXTS),
)
texts = st.sampled_from(TEXTS)
wants = st.none() | st.builds(wanted_of, texts, st.none() | texts, st.none() | texts, st.none() | texts)


@given(wanted=wants, observed=observations)
def test_it_converges_in_one_round_and_then_has_nothing_to_do(
    wanted: ProxyWanted | None, observed: ProxyObserved
) -> None:
    host = Host(observed, comes_up=wanted.running if wanted else "")
    plan = plan_proxy(wanted, Known(observed))
    assert all(action.reason for action in plan)
    for action in plan:
        host.apply(action)
    assert plan_proxy(wanted, Known(host.seen)) == ()


@given(observed=observations, routing=texts, edge=texts)
def test_a_change_of_data_never_reloads(observed: ProxyObserved, routing: str, edge: str) -> None:
    wanted = wanted_of("one", routing, edge)
    observed = replace(observed, config=text_digest("one"), running="r-one")
    plan = plan_proxy(wanted, Known(observed))
    assert {type(action) for action in plan} <= {WriteDocument, PushDocument}


@given(wanted=wants)
def test_what_could_not_be_read_is_left_alone(wanted: ProxyWanted | None) -> None:
    assert plan_proxy(wanted, Unknown("the disk does not answer")) == ()


def test_a_panels_files_are_there_before_nginx_is_told_of_them_and_nothing_reloads() -> None:
    observed = ProxyObserved(config=text_digest("one"), running="r-one", panel="older")
    kinds = [type(action) for action in plan_proxy(wanted_of("one", "one", None, "newer"), Known(observed))]
    assert kinds == [WriteDocument, PlacePanel, PushDocument]
    gone = replace(observed, files=(("routing", "d-one"),), served=(("routing", "d-one"),))
    assert plan_proxy(wanted_of("one", "one", None), Known(gone)) == (), "a program without a panel takes none away"


def test_a_new_listener_reloads_once_after_the_data_is_on_disk() -> None:
    observed = ProxyObserved(config=text_digest("one"), running="r-one", files=(), served=())
    kinds = [type(action) for action in plan_proxy(wanted_of("two", "one", None), Known(observed))]
    assert kinds.count(ReloadNginx) == 1
    assert kinds.index(WriteDocument) < kinds.index(WriteConfig) < kinds.index(ReloadNginx)


@pytest.mark.parametrize("observed", [None, ProxyObserved()])
def test_a_bare_host_gets_its_files_and_waits_for_nginx(observed: ProxyObserved | None) -> None:
    kinds = [type(action) for action in plan_proxy(wanted_of("one", "one", None), Known(observed))]
    assert kinds == [WriteDocument, WriteConfig, AwaitNginx]
