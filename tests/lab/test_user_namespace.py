"""What a lab without root needs of a host, what is said where it lacks, and how ids are mapped."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from gridwire.cli.demo_rights import explanation, needed
from gridwire.lab.user_namespace import IdRange, Standing, mapping, obstacles, outer_uid, subordinate, unused

RANGE = IdRange(first=100_000, count=65_536)
READY = Standing(user="ann", uid=1000, gid=1000, uids=(RANGE,), gids=(RANGE,), mappers=True, tun=True)
ROOT = Standing(user="root", uid=0, gid=0)


def test_a_user_with_ids_mappers_and_tun_needs_nothing() -> None:
    assert obstacles(READY) == obstacles(ROOT) == ()
    assert needed(READY) == needed(ROOT) == "nothing"
    assert "Neither root nor sudo is needed here" in explanation(READY)
    assert "100000-165535" in explanation(READY)
    assert "you are root" in explanation(ROOT)


@pytest.mark.parametrize(
    ("standing", "what", "fix"),
    [
        (replace(READY, mappers=False), "newuidmap and newgidmap are not installed", "sudo apt install uidmap"),
        (
            replace(READY, uids=(), free=IdRange(first=231_072, count=65_536)),
            "/etc/subuid give ann fewer than 64502 subordinate ids",
            "sudo usermod --add-subuids 231072-296607 ann",
        ),
        (
            replace(READY, uids=(), gids=(IdRange(first=100_000, count=9),)),
            "/etc/subuid and /etc/subgid give ann",
            "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann",
        ),
        (replace(READY, tun=False), "ann may not write to /dev/net/tun", "sudo chmod 0666 /dev/net/tun"),
        (replace(READY, refused="AppArmor refuses user namespaces", mappers=False), "AppArmor refuses", ""),
    ],
)
def test_each_obstacle_is_named_with_its_removal(standing: Standing, what: str, fix: str) -> None:
    (found,) = obstacles(standing)

    assert what in found.what
    assert found.fix == fix
    assert needed(standing) == "sudo"
    said = explanation(standing)
    assert f"Root is needed here: {found.what}" in said
    assert fix in said
    assert "sudo " in said


def test_all_obstacles_are_named_at_once() -> None:
    assert len(obstacles(replace(READY, mappers=False, uids=(), tun=False))) == 3


def test_hosts_without_mesh_interfaces_need_no_tun() -> None:
    assert obstacles(replace(READY, tun=False), tun=False) == ()


SUBUID = "ann:100000:65536\nbob:165536:65536\n# ann:1:1\n1000:300000:10\nann:400000:20\nbroken\nann:x:1\n"


def test_ranges_belong_to_a_name_or_a_number() -> None:
    assert subordinate(SUBUID, "ann", "1000") == (
        RANGE,
        IdRange(first=300_000, count=10),
        IdRange(first=400_000, count=20),
    )
    assert subordinate("", "ann") == ()


def test_a_range_to_ask_for_is_free_of_uids_and_gids() -> None:
    assert unused(SUBUID, "ann:500000:65536\n") == IdRange(first=565_536, count=65_536)
    assert unused("", "") == IdRange(first=100_000, count=65_536)


def test_the_user_becomes_root_and_the_ranges_follow() -> None:
    assert mapping(1000, (RANGE, IdRange(first=300_000, count=10))) == [
        *("0", "1000", "1"),
        *("1", "100000", "65536"),
        *("65537", "300000", "10"),
    ]


def test_outside_a_namespace_of_the_labs_the_user_is_the_user() -> None:
    assert outer_uid() == os.geteuid()
