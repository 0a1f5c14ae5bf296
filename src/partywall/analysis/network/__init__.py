"""What can reach what: an exact model of AWS networking over what was collected."""
