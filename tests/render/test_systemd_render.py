"""Texts for systemd: a path can bring nothing of its own into a unit."""

from __future__ import annotations

import pytest

from gridwire.core.errors import Invalid
from gridwire.core.installation import OURS, Folder
from gridwire.render.systemd import fill, sysusers_text, tmpfiles_text, word


def test_every_place_is_filled_also_within_what_was_filled_in() -> None:
    text = fill("[Service]\nExecStart=@gridwire@ agent\n@more@\n", {"gridwire": "/p", "more": "UMask=@x@", "x": "77"})
    assert text.startswith(OURS)
    assert text.partition("\n")[2] == "[Service]\nExecStart=/p agent\nUMask=77\n"


@pytest.mark.parametrize("path", ["", "/a b", "/a\nUser=root", "/%h", "/$x", '/"', "/a;b", "/a\\b", "/ü"])
def test_what_systemd_would_read_otherwise_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match=r"paths\.state"):
        word(path, "paths.state")


def test_users_and_folders() -> None:
    assert sysusers_text([("gridwire", "control")], "/var/lib/gridwire").splitlines()[1:] == [
        'u gridwire - "control" /var/lib/gridwire /usr/sbin/nologin'
    ]
    assert sysusers_text([], "/x") == ""
    folder = Folder(path="/var/log/gridwire", mode=0o750, group="gridwire-nginx")
    assert tmpfiles_text([folder]).splitlines()[1:] == ["d /var/log/gridwire 0750 root gridwire-nginx -"]
