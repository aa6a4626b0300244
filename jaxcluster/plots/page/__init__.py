"""A finished run as one HTML page that can be sent round: everything inside the file, no script, no network.

`render` takes `Contents`, which are NumPy arrays and plain Python, and returns the text of the page. Scores and
findings are computed elsewhere and handed in, so that this room, like all pictures, is blind to the others. jinja2 and
Pillow are imported inside the functions.
"""

from jaxcluster.plots.page.contents import Contents, Figure
from jaxcluster.plots.page.layout import render

__all__ = ["Contents", "Figure", "render"]
