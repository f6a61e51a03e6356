"""Whether speed holds where it might not: hostile numbers, odd sizes, an older instruction set."""
