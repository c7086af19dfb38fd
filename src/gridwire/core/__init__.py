"""Pure decisions: frozen dataclasses and functions over them; no clock, file, socket or random source."""
