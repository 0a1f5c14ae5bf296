"""Logs into the lake: read any form of them once, keep them whole, never twice."""
