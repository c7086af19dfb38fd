"""One file per noun; an endpoint declares who may call it, calls a use case and says what came of it."""
