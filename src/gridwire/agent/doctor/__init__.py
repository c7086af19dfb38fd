"""What `gridwire doctor` looks at on this host: facts for ``core.doctor``, gathered through the adapters.

Reads, and sends a few echoes and datagrams to this node's own peers; changes nothing.
"""
