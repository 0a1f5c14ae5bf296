"""One module for each version of the state's tables."""
