"""What the source of the cells says of the log that stands under them."""
