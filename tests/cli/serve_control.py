"""A control of its own for the tests of the CLI: DIRECTORY gets its database and sockets. Run as a script."""

import sys

from gridwire.control.serve import serve
from gridwire.control.wiring import bootstrap
from gridwire.core.addressing import DEFAULT_PREFIX
from gridwire.core.fleet import Network

GATEWAY_KEY = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="

if __name__ == "__main__":
    directory = sys.argv[1]
    url = f"sqlite:///{directory}/control/gridwire.db"
    bootstrap(url, Network(prefix=DEFAULT_PREFIX), "gw", GATEWAY_KEY, "gw.example.com:51820", owner=None)
    serve(
        database_url=url,
        control_socket=f"{directory}/run/control.sock",
        local_socket=f"{directory}/run/local.sock",
        user=None,
        group=None,
    )
