"""The rules of Aave v3 pools, shared by every venue that runs that code."""
