"""The types of the stores' queries, made from the SQL files."""
