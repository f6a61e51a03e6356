"""Model files: `.keras`, written and read. See `rnnfast.formats.keras_file`."""
