"""The stores: one thin class for each folder of SQL files."""
