"""Reading a chain: reads as values, batches, pinned blocks, recordings."""
