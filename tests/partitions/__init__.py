"""Tables that grow for ever, in partitions."""
