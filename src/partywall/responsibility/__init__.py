"""The model of responsibility: who secures what, computed for each resource from its configuration."""
