"""What venues share that are read through their own view: a scaled rule, its document, tokens."""
