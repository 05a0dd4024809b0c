"""One margin for a DeFi book: every venue exact, one number for all of them."""

__all__ = ["__version__"]

__version__ = "0.1.0"
