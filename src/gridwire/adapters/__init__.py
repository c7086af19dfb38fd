"""The only place with I/O libraries. Adapters do not import each other."""
