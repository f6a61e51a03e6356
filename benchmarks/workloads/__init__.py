"""Whole models at work: what people do with recurrent networks on CPUs, from the data to the last layer."""
