"""Typed tables of the inventory and the API calls that fill them, declared together."""
