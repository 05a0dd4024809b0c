"""Pure functions and frozen types: no network, clock, environment or logging."""
