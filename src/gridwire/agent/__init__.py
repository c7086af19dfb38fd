"""The agent: makes the node what its spec says, and keeps it so."""
