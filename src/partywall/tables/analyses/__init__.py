"""The tables that analyses make of collected ones, a module per family; each exports TABLES."""
