"""AWS authorization, evaluated: who can do what, by which statements, and under which open conditions."""
