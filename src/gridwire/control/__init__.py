"""The control plane: FastAPI on two Unix sockets, unprivileged."""
