"""Findings: identity, lifecycle, exceptions, priority."""
