"""What wireguard-go says of its device, asked at its control socket."""

from __future__ import annotations

import socket

from gridwire.adapters.wireguard.dump import Dump, parse_device
from gridwire.adapters.wireguard.uapi import socket_path
from gridwire.core.errors import NotPermitted, Unavailable

ANSWER_SECONDS = 10.0  # one that is stopped never answers


def read_device(interface: str) -> Dump:
    """Asked as wg(8) asks (https://www.wireguard.com/xplatform/), in a tenth of the CPU that starting wg takes.

    Raise Unavailable or NotPermitted.
    """
    what = f"wireguard-go of {interface}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(socket_path(interface)))
            connection.sendall(b"get=1\n\n")
            answer = bytearray()
            while not answer.endswith(b"\n\n"):
                more = connection.recv(1 << 16)
                if not more:
                    raise Unavailable(f"{what} broke off its answer", code="no-device")
                answer += more
    except TimeoutError:
        raise Unavailable(f"{what} gave no answer in {ANSWER_SECONDS:.0f} s", code="wg-timeout") from None
    except PermissionError:
        raise NotPermitted(f"{what} may not be asked", fix="run it as root") from None
    except OSError as error:
        raise Unavailable(f"{what} does not answer ({error.strerror})", code="no-device") from None
    try:
        return parse_device(answer.decode("ascii"))
    except (ValueError, KeyError) as error:
        raise Unavailable(f"{what} gave a strange answer ({error})") from None
