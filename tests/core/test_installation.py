"""The plans of `gridwire install` and `gridwire uninstall`: complete, idempotent, and never over others' files."""

from __future__ import annotations

import pytest

from gridwire.core.errors import Conflict
from gridwire.core.fleet import Role
from gridwire.core.installation import (
    MARK,
    SYSUSERS,
    UNIT_FILES,
    UNIT_FOLDER,
    DisableUnits,
    EnableUnits,
    Installation,
    InstallationObserved,
    MakeFolders,
    MakeUsers,
    ReloadUnits,
    RemoveFile,
    RestartUnits,
    StartUnits,
    StopUnits,
    WriteFile,
    plan_install,
    plan_uninstall,
    unit_files,
    units,
)

AGENT = f"{UNIT_FOLDER}/gridwire-agent.service"
MESH = f"{UNIT_FOLDER}/gridwire-wg@.service"
UNITS = ("gridwire-wg@gw0.service", "gridwire-agent.service")
WANTED = Installation(
    files={AGENT: f"{MARK}\nagent", MESH: f"{MARK}\nmesh", SYSUSERS: f"{MARK}\nusers"},
    units=UNITS,
    users=(("gridwire-nginx", "workers"),),
)
THERE = InstallationObserved(
    files=WANTED.files, enabled=frozenset(UNITS), active=frozenset(UNITS), users=frozenset({"gridwire-nginx"})
)


def kinds(plan: tuple[object, ...]) -> list[type]:
    return [type(action) for action in plan]


def test_on_a_bare_host_files_come_first_and_starting_last() -> None:
    plan = plan_install(WANTED, InstallationObserved())
    assert kinds(plan) == [
        WriteFile,
        WriteFile,
        WriteFile,
        MakeUsers,
        MakeFolders,
        ReloadUnits,
        EnableUnits,
        StartUnits,
    ]
    assert all(action.reason for action in plan)


def test_a_second_install_has_nothing_to_do() -> None:
    assert plan_install(WANTED, THERE) == ()


def test_a_unit_that_changed_is_renewed_and_restarted_and_no_other() -> None:
    older = InstallationObserved(
        files={**THERE.files, MESH: f"{MARK}\nolder"}, enabled=THERE.enabled, active=THERE.active, users=THERE.users
    )
    plan = plan_install(WANTED, older)
    assert kinds(plan) == [WriteFile, ReloadUnits, RestartUnits]
    assert plan[-1].units == ("gridwire-wg@gw0.service",)  # type: ignore[attr-defined]


def test_folders_are_made_before_anything_is_started() -> None:
    """Those of /run are gone after an uninstall, and a unit that may write there fails without them."""
    stopped = InstallationObserved(files=THERE.files, enabled=THERE.enabled, users=THERE.users)
    assert kinds(plan_install(WANTED, stopped)) == [MakeFolders, StartUnits]


def test_a_file_of_somebody_elses_stops_it_before_anything_is_changed() -> None:
    with pytest.raises(Conflict, match=r"gridwire-agent\.service.*did not write it"):
        plan_install(WANTED, InstallationObserved(files={AGENT: "[Unit]\n"}))


def test_what_this_role_does_not_need_any_more_is_removed() -> None:
    control = f"{UNIT_FOLDER}/gridwire-control.service"
    more = InstallationObserved(
        files={**THERE.files, control: f"{MARK}\nold"}, enabled=THERE.enabled, active=THERE.active, users=THERE.users
    )
    plan = plan_install(WANTED, more)
    assert [action.path for action in plan if isinstance(action, RemoveFile)] == [control]
    assert ReloadUnits in kinds(plan)


def test_uninstall_undoes_install() -> None:
    plan = plan_uninstall(THERE)
    assert kinds(plan) == [StopUnits, DisableUnits, RemoveFile, RemoveFile, RemoveFile, ReloadUnits]
    assert {action.path for action in plan if isinstance(action, RemoveFile)} == set(WANTED.files)
    assert plan_uninstall(InstallationObserved()) == ()


def test_uninstall_leaves_the_files_of_others() -> None:
    plan = plan_uninstall(InstallationObserved(files={AGENT: "[Unit]\n", MESH: f"{MARK}\n"}))
    assert [action.path for action in plan if isinstance(action, RemoveFile)] == [MESH]


@pytest.mark.parametrize(
    ("role", "userspace", "missing"),
    [
        (Role.GATEWAY, True, set()),
        (Role.GATEWAY, False, {"gridwire-wg@.service"}),
        (Role.EDGE, True, {"gridwire-control.service", "gridwire-control.socket", "gridwire-local.socket"}),
    ],
)
def test_each_role_has_its_units(role: Role, userspace: bool, missing: set[str]) -> None:
    assert set(UNIT_FILES) - set(unit_files(role, userspace=userspace)) == missing
    instances = units(role, interface="gw7", userspace=userspace)
    assert ("gridwire-wg@gw7.service" in instances) is userspace
