"""Loaders: one module for each format, with a function `parse(data)`; `formats` lists them."""
