"""What people say of findings: status, owner, comments, exceptions, and the log of every such change."""
