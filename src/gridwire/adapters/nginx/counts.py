"""What nginx counted since it was last asked: taken through the door, and waited for without a thread."""

from __future__ import annotations

import httpx2

from gridwire.core.errors import Unavailable

_LARGEST = 16 << 20


class Counts:
    """For one event loop."""

    def __init__(self, door: str) -> None:
        # One request is one connection: a worker that ends takes no open door with it.
        once = httpx2.Limits(max_keepalive_connections=0)
        self._client = httpx2.AsyncClient(
            base_url="http://nginx",
            transport=httpx2.AsyncHTTPTransport(uds=door, limits=once, trust_env=False),
            trust_env=False,
        )

    async def take(self, wait: float) -> bytes | None:
        """A JSON array of gridwire.protocol.traffic.Second, as soon as there is something; none after ``wait`` seconds
        without. It is nobody else's then. Raise Unavailable where nginx is away."""
        try:
            answer = await self._client.get(f"/traffic?wait={wait:g}", timeout=wait + 10)
        except httpx2.HTTPError as error:
            raise Unavailable(f"nginx is away ({type(error).__name__})") from error
        if answer.status_code == 204:
            return None
        if answer.status_code != 200 or len(answer.content) > _LARGEST:
            raise Unavailable(f"nginx's door answered {answer.status_code} with {len(answer.content)} bytes")
        return answer.content
