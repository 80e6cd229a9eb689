"""The store of receipts."""
