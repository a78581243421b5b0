"""ALEN's memory inside other people's frameworks. Each module needs the framework that it is named after."""
