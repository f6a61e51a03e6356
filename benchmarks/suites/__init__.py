"""asv benchmarks: throughput of the cells, cost of the import, peak memory."""
