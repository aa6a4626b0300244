"""What every written picture must be."""

from PIL import Image

from jaxcluster.plots.canvas import DPI


def assert_png(path, fig):
    assert path.stat().st_size > 1000
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        width, height = fig.get_size_inches() * DPI
        assert abs(image.size[0] - width) <= 1
        assert abs(image.size[1] - height) <= 1
        assert max(image.size) < 8000
        assert image.convert("L").getextrema()[0] < 128  # something is drawn
