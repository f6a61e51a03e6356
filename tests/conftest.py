"""For every test: the folder it runs in."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def away_from_the_sources(tmp_path_factory):
    """`python -c` looks into the current folder first: in a clone it would find the sources, not what is installed."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)
