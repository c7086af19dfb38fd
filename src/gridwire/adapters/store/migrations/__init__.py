"""Alembic's scripts; ``schema.migrate`` runs them, no alembic.ini or env.py is needed."""
