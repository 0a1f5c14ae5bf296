"""Alembic's migrations of the state, from the first released version on."""
