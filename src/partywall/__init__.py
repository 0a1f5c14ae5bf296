"""partywall: which side of AWS's shared-responsibility wall each control is on, proven on a real account."""

__version__ = "0.1.0"
