"""The product against real contracts. Each test runs small by default, whole with the marker."""
