"""Building blocks of networks; none of them knows a loss."""
