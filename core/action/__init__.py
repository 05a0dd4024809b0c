"""What may happen and what to do: liquidation prices, rescue, hedges."""
