"""Stands for the main module of a program that imports numpy at its top: what spawn and forkserver import again in each child."""

import numpy  # noqa: F401
