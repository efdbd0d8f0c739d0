"""From an experiment to its record."""
