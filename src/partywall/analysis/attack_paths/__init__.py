"""Attack paths: from where an attacker can begin, over what he reaches and becomes, to what would hurt."""
