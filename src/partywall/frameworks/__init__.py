"""Frameworks: requirements, control objectives, what proves them, and how each requirement stands."""
