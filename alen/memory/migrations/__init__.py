"""Migrations of memory's schema, run when a store is opened."""
