"""Local chains that run the venues' real contracts, for the tests that compare us with them."""
