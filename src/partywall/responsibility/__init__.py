"""Who secures which line of which resource, computed from how the resource is configured."""
