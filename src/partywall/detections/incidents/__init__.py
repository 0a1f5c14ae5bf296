"""Detections joined into attack stories: who, from where, what was touched, how far it went."""
