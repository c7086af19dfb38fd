"""``gridwire bench``: what is measured on this machine, side by side; ``scenarios`` is the table of it."""
