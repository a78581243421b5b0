"""One file per version of the schema, oldest first. A released file never changes."""
