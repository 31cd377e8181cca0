"""A dry-chemistry urine analyser that sends each strip as a table of plain text."""
